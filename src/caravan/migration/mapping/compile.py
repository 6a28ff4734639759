"""A declaration compiled for one load: decoders made once, rows as tuples, ids without objects in between."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from caravan.core.ids import LegacyTag
from caravan.migration.mapping.children import CompiledChild, OpenRecord
from caravan.migration.mapping.codecs import ReferenceTo
from caravan.migration.mapping.contract import MappedRecord, MappingContext, ReferenceValue
from caravan.migration.mapping.errors import BadValueError
from caravan.migration.mapping.fields import Child, Field, Main, Side
from caravan.migration.mapping.keys import id_of, key_part
from caravan.migration.mapping.levels import Level, Notes, kept, names
from caravan.migration.mapping.tables import main_columns

__all__ = ["CompiledEntity"]


class CompiledEntity:
    """What ``Entity.map`` and ``Entity.references`` run, for one context."""

    def __init__(
        self,
        entity: str,
        main: Main,
        sides: Sequence[Side],
        children: Sequence[Child],
        context: MappingContext,
    ) -> None:
        self._entity: Final = entity
        self._main: Final = main
        self._org: Final = context.org_id.bytes
        self._client: Final = (context.client_id.bytes if context.client_id else None,) if main.client else ()
        self._namespace: Final = context.namespace.bytes
        self._columns: Final = tuple(column.name for column in main_columns(main))
        self._level: Final = Level(main.fields, context)
        self._sides: Final = tuple((side, Level(side.fields, context)) for side in sides)
        self._children: Final = tuple(CompiledChild(child, context) for child in children)
        self._known: Final = (
            names(main.fields).union(*(names(side.fields) for side in sides))
            | {child.source for child in children}
            | {*main.key, *main.ignored}
        )

    def map(self, document: Mapping[str, Any], key: tuple[LegacyTag, str]) -> MappedRecord:
        """Return the rows of a record with this key.

        Raises:
            UnmappableError: the record must go to quarantine.
        """
        tag, text = key
        row_id = id_of(self._namespace, self._entity, tag, text)
        notes = Notes(text)
        originals: dict[str, Any] = {}
        own = (self._org, row_id, *self._client, *self._level.cells(document, notes, originals))
        record = OpenRecord(
            row_id, key_part(tag, text), dict(zip(self._columns, own, strict=False)), notes, originals, {}
        )
        record.rows[self._main.table] = []
        for side, level in self._sides:
            cells = level.cells(document, notes, originals)
            if not side.sparse or any(cell is not None for cell in cells):
                record.rows[side.table] = [(self._org, row_id, *cells)]
        for child in self._children:
            child.add_rows(document, record)
        if self._main.extra:
            own = (*own, kept(document, self._known, originals))
        record.rows[self._main.table].append(own)
        return MappedRecord(tag, text, row_id, record.rows, notes.findings)

    def references(self, document: Mapping[str, Any], key: tuple[LegacyTag, str]) -> list[ReferenceValue]:
        """Return every reference of the record as the source wrote it; what is none is not returned.

        Raises:
            UnmappableError: the record must go to quarantine.
        """
        record = self.map(document, key)
        found = list(_references(self._main.table, self._main.fields, document, record.id))
        for side, _ in self._sides:
            found += _references(side.table, side.fields, document, record.id)
        used: dict[str, int] = {}
        for compiled in self._children:
            child = compiled.child
            try:
                elements = compiled.elements(document)
            except BadValueError:
                continue
            start = used.get(child.table, 0)
            used[child.table] = start + len(elements)
            rows = record.rows.get(child.table, [])[start : start + len(elements)]
            for element, row in zip(elements, rows, strict=True):
                found += _references(child.table, child.fields, element, row[1], f"{child.source}.")
        return found


def _references(
    table: str, fields: Sequence[Field], document: Mapping[str, Any], row_id: bytes, prefix: str = ""
) -> Iterator[ReferenceValue]:
    for field in fields:
        value = document.get(field.source)
        if value is None or not isinstance(field.codec, ReferenceTo):
            continue
        try:
            tag, text = field.codec.key(value)
        except BadValueError:
            continue
        yield ReferenceValue(table, row_id, field.column, prefix + field.source, tag, text)
