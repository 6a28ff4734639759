"""What the comparison asks of a side, whatever its store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from caravan.migration.verify.pairs.agreement import Agreement, Described

__all__ = ["Key", "Prepared", "Range", "Row", "Sums", "Table", "Value", "Way"]

Key: TypeAlias = tuple[str | None, ...]
"""The texts of a key's cells."""

Row: TypeAlias = tuple[str | None, ...]
"""The texts of a row's cells, in the order of the agreement."""

Way: TypeAlias = Literal["sql", "python"]
"""Where a column is hashed: by the store, or by us."""


@dataclass(frozen=True, slots=True)
class Range:
    """Keys above ``after`` up to and including ``upto``; None is open."""

    after: Key | None = None
    upto: Key | None = None

    def as_json(self) -> dict[str, Any]:
        return {"after": self.after, "upto": self.upto}


@dataclass(frozen=True, slots=True)
class Value:
    """What stands for a chunk: its rows, and a SHA-256 of their encoding in the order of the key, one per way.

    Not ``known`` where the store could not hold the rows for hashing: such a value says nothing, not even to one like it.
    """

    rows: int
    digest: str
    known: bool = True

    def same(self, other: "Value") -> bool:
        """Tell whether both stand for the same rows."""
        return self.known and other.known and self == other


@dataclass(frozen=True, slots=True)
class Sums:
    """What stands for a bucket, whose rows have no order: count, and two lanes of 64 bits summed modulo 2**64, per way."""

    rows: int
    lanes: tuple[int, ...]


class Table(Protocol):
    """A table of a store, before it is known what it is compared with."""

    @property
    def described(self) -> Described: ...

    @property
    def position(self) -> str:
        """Where the log stood when the snapshot was taken; empty where there is none."""

    def renders(self, agreement: Agreement, side: Literal["left", "right"]) -> frozenset[str]:
        """Return the columns that the store itself can encode."""

    def prepare(
        self, agreement: Agreement, side: Literal["left", "right"], ways: Mapping[str, Way]
    ) -> "Prepared": ...

    def close(self) -> None: ...


class Prepared(Protocol):
    """A side with its part of the work laid out. Methods may be called from several threads.

    Raises:
        SideLostError: any of them, when the store fails.
    """

    @property
    def connections(self) -> int:
        """How many methods may run at once."""

    @property
    def hashes(self) -> int:
        """How many hashes a line begins with: one per way that any column goes."""

    @property
    def cheap_bounds(self) -> bool:
        """Whether bounds come from a sample, so that this side should be asked for them."""

    def bounds(self, within: Range, parts: int) -> list[Key]:
        """Return about ``parts - 1`` keys, never falling, that cut the range into parts of about equal size; of one part none."""

    def value(self, within: Range) -> Value: ...

    def lines(self, within: Range) -> list[str]:
        """Return for each row of a range 32 hexadecimal digits of its hash per way, then its key's cells."""

    def buckets(self, bits: int) -> Mapping[int, Sums]:
        """Return the sums of each bucket: the first ``bits`` (at most 16) of the MD5 of the key's cells."""

    def bucket_lines(self, bits: int, buckets: Iterable[int]) -> list[str]:
        """Return the lines of the rows of some buckets."""

    def rows(self, keys: Sequence[Key]) -> dict[Key, list[Row]]:
        """Return the rows with these keys; a key that is there twice has two."""

    def count(self) -> int:
        """Return about how many rows there are."""
