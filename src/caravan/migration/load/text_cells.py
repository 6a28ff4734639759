"""The cells of one table as SQL of its store: for each kind of value the text that COPY reads, or None where SQL cannot say it exactly."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from caravan.core.ids import LegacyTag
from caravan.migration.load.readers import Dialect, Rules, SourceTable, TextSource, ValueKind
from caravan.migration.load.text_cells_mariadb import MariadbCells
from caravan.migration.load.text_cells_sqlite import SqliteCells

__all__ = ["Cells", "cells_of"]


class Cells(Protocol):
    """``kinds`` of the table's columns by name; every method takes the name of a column."""

    @property
    def kinds(self) -> Mapping[str, ValueKind]: ...

    @property
    def unique_key(self) -> Sequence[str]:
        """The columns that the store promises to tell rows apart and never to be NULL; in their order."""

    def source(self, cells: Sequence[str]) -> TextSource:
        """Return the line of these cells."""

    def key(self, names: Sequence[str]) -> tuple[LegacyTag, str] | None:
        """Return tag and cell of the record's key."""

    def identity(self, entity: str, names: Sequence[str]) -> str | None:
        """Return the id of the record with this key."""

    def reference(self, entity: str, name: str, *, whole: bool) -> str | None:
        """Return the id of the record that a column refers to; ``whole``: only where it holds integers."""

    def text(self, name: str, *, digits: bool = True) -> str | None:
        """Return text, or (``digits``) those of an integer."""

    def members(self, name: str) -> Sequence[str]:
        """Return the words that an ENUM declares; nothing of other columns."""

    def whole(self, name: str) -> str | None:
        """Return an integer."""

    def decimal(self, name: str, places: int | None) -> str | None:
        """Return a number that has at most so many digits after the point by declaration, any number where None."""

    def of_kind(self, name: str) -> str | None:
        """Return a value of the kind that its column declares."""


def cells_of(
    dialect: Dialect, table: SourceTable, kinds: Mapping[str, ValueKind], namespace: bytes, rules: Rules
) -> Cells | None:
    """Return the cells of a table; None for a store that writes no text."""
    if dialect == "mariadb":
        return MariadbCells(table, kinds, namespace, rules)
    return SqliteCells(table, kinds, namespace) if dialect == "sqlite" else None
