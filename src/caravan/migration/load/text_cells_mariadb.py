"""Cells of a table of MariaDB or MySQL."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from caravan.core.ids import LegacyTag
from caravan.migration.load.readers import Rules, SourceColumn, SourceTable, TextSource, ValueKind
from caravan.migration.load.readers.mariadb_text import (
    bytes_cell,
    date_cell,
    escaped,
    id_cell,
    key_text,
    line,
    or_null,
    plain_cell,
    utf8,
)
from caravan.migration.load.readers.mariadb_values import base_type

__all__ = ["MariadbCells"]


@dataclass(frozen=True, slots=True)
class MariadbCells:
    """Implements ``text_cells.Cells``."""

    table: SourceTable
    kinds: Mapping[str, ValueKind]
    namespace: bytes
    rules: Rules

    @property
    def unique_key(self) -> Sequence[str]:
        return self.table.key

    def source(self, cells: Sequence[str]) -> TextSource:
        return TextSource(line(cells))

    def key(self, names: Sequence[str]) -> tuple[LegacyTag, str] | None:
        typed = self._typed(names)
        if typed is None:
            return None
        return typed[0], or_null(typed[1] if typed[0] == "i" else escaped(typed[1]))

    def identity(self, entity: str, names: Sequence[str]) -> str | None:
        typed = self._typed(names)
        return None if typed is None else id_cell(self.namespace, f"{entity}:{typed[0]}:", typed[1])

    def reference(self, entity: str, name: str, *, whole: bool) -> str | None:
        typed = key_text(self.table.column(name))
        if typed is None or (whole and typed[0] != "i"):
            return None
        return id_cell(self.namespace, f"{entity}:{typed[0]}:", typed[1])

    def text(self, name: str, *, digits: bool = True) -> str | None:
        column = self.table.column(name)
        if self.kinds[name] == "integer":
            return self._digits(column) if digits else None
        text = utf8(column) if self.kinds[name] == "text" else None
        return None if text is None else or_null(escaped(text))

    def members(self, name: str) -> Sequence[str]:
        column = self.table.column(name)
        return column.members if base_type(column.type) == "enum" else ()

    def whole(self, name: str) -> str | None:
        column = self.table.column(name)
        if self.kinds[name] != "integer" or base_type(column.type) == "bit":
            return None
        return plain_cell(column)

    def decimal(self, name: str, places: int | None) -> str | None:
        column = self.table.column(name)
        if self.kinds[name] == "integer":
            return self.whole(name)
        if self.kinds[name] != "decimal" or (places is not None and _places(column) > places):
            return None
        return plain_cell(column)

    def of_kind(self, name: str) -> str | None:
        column = self.table.column(name)
        match self.kinds[name]:
            case "day" | "local" | "instant":
                return date_cell(column, zero_is_null=self.rules.zero_dates == "null")
            case "float" | "uuid":
                return plain_cell(column)
            case "bytes":
                return bytes_cell(column)
            case _:
                return None

    def _typed(self, names: Sequence[str]) -> tuple[LegacyTag, str] | None:
        found = [key_text(self.table.column(name)) for name in names]
        if len(found) == 1:
            return found[0]
        parts = []
        for each in found:
            if each is None:
                return None
            tag, text = each
            # The length counts characters, and the bytes of text have lost their character set.
            letters = f"CHAR_LENGTH(CONVERT({text} USING utf8mb4))"
            parts.append(f"'{tag}', {letters}, ':', {text}")
        joined = ", ',', ".join(parts)
        return "s", f"CAST(CONCAT({joined}) AS BINARY)"

    def _digits(self, column: SourceColumn) -> str | None:
        typed = key_text(column)
        return plain_cell(column) if typed is not None and typed[0] == "i" else None


def _places(column: SourceColumn) -> int:
    found = re.search(r"\(\s*\d+\s*,\s*(\d+)\s*\)", column.type)
    return int(found[1]) if found else 0
