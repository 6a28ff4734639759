"""A declaration compiled for the way back: from the rows of a record to the document or row it came from."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from caravan.core.ids import LegacyTag
from caravan.migration.mapping.contract import InverseContext, TargetTable, UnmappableError
from caravan.migration.mapping.fields import Child, Main, Side
from caravan.migration.mapping.inverse_children import InverseChild
from caravan.migration.mapping.inverse_levels import InverseLevel, taken_apart
from caravan.migration.mapping.keys import key_part
from caravan.migration.mapping.record_keys import key_fields

__all__ = ["CompiledInverse", "Rows"]

Rows = Mapping[str, Sequence[tuple[Any, ...]]]
"""By table; values in the order of the table's columns, as ``contract`` says what they are."""


class CompiledInverse:
    """What ``Entity.invert`` runs, for one context."""

    def __init__(
        self,
        entity: str,
        main: Main,
        sides: Sequence[Side],
        children: Sequence[Child],
        tables: Sequence[TargetTable],
        context: InverseContext,
    ) -> None:
        self._entity: Final = entity
        self._main: Final = main
        self._sides: Final = tuple(side.table for side in sides)
        self._context: Final = context
        self._columns: Final = {table.name: [column.name for column in table.columns] for table in tables}
        self._level: Final = InverseLevel((main.fields, *(side.fields for side in sides)), context)
        self._children: Final = tuple(InverseChild(child, context) for child in children)
        self._known: Final = self._level.sources | {child.source for child in children}

    def invert(self, rows: Rows) -> dict[str, Any]:
        """Return the record.

        Raises:
            UnmappableError: ``key.unknown`` (the row has no key in the source yet), or a value that the source has no word for.
        """
        named = {table: [self._named(table, row) for row in found] for table, found in rows.items()}
        (own,) = named[self._main.table]
        key = self._key(own["id"])
        fields, originals = taken_apart(own.get("extra"), self._known)
        beside = [next(iter(named.get(table, ())), {}) for table in self._sides]
        fields.update(self._level.fields((own, *beside), originals))
        for child in self._children:
            value = self._child(child, named, key)
            if value is None and child.child.source in originals:
                value = originals[child.child.source]
            if value is not None:
                fields[child.child.source] = value
        return key_fields(self._main.key, key, self._context.shape) | fields

    def _key(self, row_id: bytes) -> tuple[LegacyTag, str]:
        key = self._context.find_key(self._entity, row_id)
        if key is None:
            raise UnmappableError(
                "key.unknown",
                ", ".join(self._main.key),
                f"the {self._entity} {row_id.hex()} has no key in the source yet",
            )
        return key

    def _child(
        self, compiled: InverseChild, named: Mapping[str, list[dict[str, Any]]], key: tuple[LegacyTag, str]
    ) -> Any:  # noqa: ANN401
        child = compiled.child
        sides = named.get(child.side.table, ()) if child.side else ()
        return compiled.value(named.get(child.table, ()), {row["id"]: row for row in sides}, key_part(*key))

    def _named(self, table: str, row: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(self._columns[table], row, strict=True))
