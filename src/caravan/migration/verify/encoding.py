"""A row as bytes that mean one thing only, and its hash; ``sql_rendering`` makes the same bytes in PostgreSQL.

Per column ``tag ':' length in bytes ':' text``, one after the other, hashed with SHA-256; the first two 64-bit words are
the row's lanes, and sums of lanes modulo 2**64 stand for any set of rows in any order (XOR would lose equal pairs).

====  ============  =========================================================
tag   type          text
====  ============  =========================================================
n     NULL          nothing
u     uuid          32 hexadecimal digits
t     text          itself, UTF-8
d     numeric       all digits of the column's scale; without one no trailing zero
b     boolean       t or f
i     integers      decimal
f     double        its 64 bits, 16 hexadecimal digits
z     timestamptz   microseconds since 1970-01-01 UTC
y     date          days since 1970-01-01
j     jsonb         PostgreSQL's text form
x     bytea         hexadecimal digits
====  ============  =========================================================
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Any, Final

from caravan.migration.mapping.contract import Column
from caravan.migration.verify.column_encoding import column_encoder

__all__ = ["MODULUS", "RowEncoder", "TableSum"]

MODULUS: Final = 1 << 64
_LANES: Final = Struct(">QQ16x").unpack
_BATCH: Final = 512
"""Rows encoded at once: column by column costs a third of row by row, and few enough keep memory flat."""


@dataclass(slots=True)
class TableSum:
    """Count and lane sums of a set of rows of one table."""

    rows: int = 0
    a: int = 0
    b: int = 0

    def __add__(self, other: "TableSum") -> "TableSum":
        return TableSum(self.rows + other.rows, (self.a + other.a) % MODULUS, (self.b + other.b) % MODULUS)

    @property
    def hex(self) -> str:
        """Both lanes, 32 digits."""
        return f"{self.a:016x}{self.b:016x}"

    @classmethod
    def stored(cls, rows: int, lanes: str) -> "TableSum":
        """Return what ``rows`` and ``hex`` of another sum said."""
        return cls(rows, int(lanes[:16], 16), int(lanes[16:], 16))


class RowEncoder:
    """The encoding of the rows of one table."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = [column_encoder(column) for column in columns]

    def cells(self, row: Sequence[Any]) -> list[str]:
        """Return the encoding of each column of one row."""
        return [encode((value,))[0] for encode, value in zip(self._columns, row, strict=True)]

    def sum(self, rows: Sequence[Sequence[Any]]) -> TableSum:
        """Return the sum of some rows.

        Raises:
            TypeError, ValueError, KeyError: a value that its column cannot hold.
        """
        total_a = total_b = 0
        for a, b in self.lanes(rows):
            total_a += a
            total_b += b
        return TableSum(len(rows), total_a % MODULUS, total_b % MODULUS)

    def lanes(self, rows: Sequence[Sequence[Any]]) -> Iterator[tuple[int, int]]:
        """Yield the lanes of each row; raises as ``sum`` does."""
        for start in range(0, len(rows), _BATCH):
            for text in self._texts(rows[start : start + _BATCH]):
                if "\0" in text:
                    raise ValueError("text cannot hold U+0000")
                yield _LANES(sha256(text.encode()).digest())

    def _texts(self, rows: Sequence[Sequence[Any]]) -> Iterator[str]:
        columns = zip(*rows, strict=True)
        encoded = [encode(values) for encode, values in zip(self._columns, columns, strict=True)]
        return map("".join, zip(*encoded, strict=True))
