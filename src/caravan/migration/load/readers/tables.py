"""What readers of tables tell beside their records: columns, keys, the snapshot they read, ranges to read side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from caravan.migration.load.readers.protocol import BrokenRecord, Reader, Record

__all__ = ["KeyRange", "Live", "Snapshot", "SourceColumn", "SourceTable", "TableReader"]

Bound: TypeAlias = tuple[str, ...]
"""The values of a key as literals of the source's SQL."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """``type`` as the source declares it; ``members`` of an ENUM or SET; ``charset`` where a column has its own."""

    name: str
    type: str
    nullable: bool = True
    generated: bool = False
    members: tuple[str, ...] = ()
    charset: str = ""
    collation: str = ""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """``key`` names the columns that tell rows apart; empty where the source declares none.

    ``order`` is what rows are sorted by, as SQL; empty means the order in which they are stored. ``references``: (column, table) of the
    foreign keys of one column, where the source declares them.
    """

    name: str
    schema: str
    columns: tuple[SourceColumn, ...]
    key: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    rows: int | None = None
    references: tuple[tuple[str, str], ...] = ()

    def column(self, name: str) -> SourceColumn:
        """Return the column; raises ``KeyError``."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What all reads of one reader see.

    ``position``: where the log of changes stands, to capture from; empty where the source has no log. ``exported``: a name
    under which other connections may join the same snapshot. ``consistent`` is false where the source cannot hold one.
    """

    kind: Literal["file", "transaction", "none"]
    position: str = ""
    exported: str = ""
    consistent: bool = True


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Keys above ``after`` up to and including ``upto``; None is open."""

    after: Bound | None = None
    upto: Bound | None = None


@runtime_checkable
class Live(Protocol):
    """A reader that holds a connection: all reads see one snapshot until ``close``."""

    def snapshot(self) -> Snapshot: ...

    def close(self) -> None: ...


@runtime_checkable
class TableReader(Reader, Live, Protocol):
    """A live store of tables."""

    def tables(self) -> Mapping[str, SourceTable]: ...

    def ranges(self, table: str, parts: int) -> list[KeyRange]:
        """Cut the table by quantiles of its actual keys; one open range where it has no key."""

    def read_range(self, table: str, within: KeyRange) -> Iterator[Record | BrokenRecord]:
        """Yield the rows of a range in the order of the key; ordinals count from the begin of the range."""
