"""Table map events: which table the rows behind them belong to, and in which form its columns are logged.

https://mariadb.com/kb/en/table_map_event/.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["LoggedColumn", "TableMap", "length_at", "table_map"]

_ONE: Final = frozenset({4, 5, 140, 17, 18, 19, 242, 245, 249, 250, 251, 252, 255})
"""Types with one byte of metadata: floating point, fractions of seconds, widths of lengths."""
_TWO: Final = frozenset({15, 16, 141, 246, 247, 248, 253, 254})
"""Types with two: lengths of strings, bits, precision and scale."""
_WIDTHS: Final = {0xFC: 2, 0xFD: 3, 0xFE: 8}
_COLUMN_NAMES: Final = 4
"""The optional metadata that ``binlog_row_metadata = FULL`` adds."""


@dataclass(frozen=True, slots=True)
class LoggedColumn:
    kind: int
    meta: bytes


@dataclass(frozen=True, slots=True)
class TableMap:
    """``names`` is empty where the server does not log them."""

    table_id: int
    database: str
    table: str
    columns: tuple[LoggedColumn, ...]
    names: tuple[str, ...] = ()


def table_map(body: bytes) -> TableMap:
    """Read the event's body."""
    table_id = int.from_bytes(body[:6], "little")
    at = 8
    database, at = _name(body, at)
    table, at = _name(body, at)
    count, at = length_at(body, at)
    kinds = body[at : at + count]
    size, at = length_at(body, at + count)
    columns = _columns(kinds, body[at : at + size])
    at += size + (count + 7) // 8
    return TableMap(table_id, database, table, tuple(columns), _names(body, at))


def length_at(body: bytes, at: int) -> tuple[int, int]:
    """Read a length of one to nine bytes; return it and the offset behind it."""
    first = body[at]
    if first not in _WIDTHS:
        return first, at + 1
    width = _WIDTHS[first]
    return int.from_bytes(body[at + 1 : at + 1 + width], "little"), at + 1 + width


def _name(body: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + body[at]
    return body[at + 1 : end].decode(), end + 1


def _columns(kinds: Sequence[int], metadata: bytes) -> list[LoggedColumn]:
    columns = []
    at = 0
    for kind in kinds:
        size = 1 if kind in _ONE else 2 if kind in _TWO else 0
        columns.append(LoggedColumn(kind, metadata[at : at + size]))
        at += size
    return columns


def _names(body: bytes, at: int) -> tuple[str, ...]:
    while at < len(body):
        kind = body[at]
        size, at = length_at(body, at + 1)
        if kind == _COLUMN_NAMES:
            return tuple(_listed(body[at : at + size]))
        at += size
    return ()


def _listed(packed: bytes) -> list[str]:
    names, at = [], 0
    while at < len(packed):
        size, at = length_at(packed, at)
        names.append(packed[at : at + size].decode())
        at += size
    return names
