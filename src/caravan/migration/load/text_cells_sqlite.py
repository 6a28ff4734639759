"""Cells of a table of SQLite, where a column may hold values of any type: those of another type than the mapping takes are odd."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from caravan.core.ids import LegacyTag
from caravan.migration.load.readers import SourceTable, TextSource, ValueKind
from caravan.migration.load.readers.sqlite import quoted
from caravan.migration.load.readers.sqlite_text import (
    escaped,
    id_cell,
    instant_text,
    is_no_instant,
    is_no_number,
    is_no_text,
    line,
    number_text,
    or_null,
)

__all__ = ["SqliteCells"]


@dataclass(frozen=True, slots=True)
class SqliteCells:
    """Implements ``text_cells.Cells``; ``odd`` gathers conditions of values that must be looked at, one for each cell that was asked for."""

    table: SourceTable
    kinds: Mapping[str, ValueKind]
    namespace: bytes
    odd: list[str] = field(default_factory=list)

    @property
    def unique_key(self) -> Sequence[str]:
        return self.table.key

    def source(self, cells: Sequence[str]) -> TextSource:
        return TextSource(line(cells), " OR ".join(f"({each})" for each in self.odd))

    def key(self, names: Sequence[str]) -> tuple[LegacyTag, str] | None:
        tag = self._tag(names)
        if tag is None:
            return None
        name = quoted(names[0])
        self._only(name, "integer" if tag == "i" else "text")
        return tag, or_null(name if tag == "i" else escaped(name))

    def identity(self, entity: str, names: Sequence[str]) -> str | None:
        tag = self._tag(names)
        return None if tag is None else id_cell(self.namespace, f"{entity}:{tag}:", quoted(names[0]))

    def reference(self, entity: str, name: str, *, whole: bool) -> str | None:
        del whole  # text is left to the mapping: what a text refers to depends on what it is
        self._only(quoted(name), "integer")
        return id_cell(self.namespace, f"{entity}:i:", quoted(name))

    def text(self, name: str, *, digits: bool = True) -> str | None:
        if self.kinds[name] != "any":
            return None
        column = quoted(name)
        self.odd.append(is_no_text(column, digits=digits))
        return or_null(escaped(column))

    def members(self, name: str) -> Sequence[str]:
        del name
        return ()

    def whole(self, name: str) -> str | None:
        if self.kinds[name] != "any":
            return None
        column = quoted(name)
        self._only(column, "integer")
        return or_null(column)

    def decimal(self, name: str, places: int | None) -> str | None:
        del places  # PostgreSQL tells a number with more of them
        if self.kinds[name] not in {"any", "decimal"}:
            return None
        column = quoted(name)
        self.odd.append(is_no_number(column))
        return or_null(number_text(column))

    def of_kind(self, name: str) -> str | None:
        if self.kinds[name] != "local":
            return None
        column = quoted(name)
        self.odd.append(is_no_instant(column))
        return or_null(instant_text(column))

    def _tag(self, names: Sequence[str]) -> LegacyTag | None:
        if len(names) != 1 or self.kinds[names[0]] != "any":
            return None
        declared = self.table.column(names[0]).type.upper()
        if "INT" in declared:
            return "i"
        return "s" if "CHAR" in declared or "TEXT" in declared else None

    def _only(self, column: str, kind: str) -> None:
        self.odd.append(f"typeof({column}) NOT IN ('{kind}', 'null')")
        if kind == "text":
            self.odd.append(is_no_text(column, digits=False))
