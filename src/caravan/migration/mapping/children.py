"""Embedded documents compiled: rows with composite ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bson import ObjectId

from caravan.core.ids import uuid5_bytes
from caravan.migration.mapping.codecs.lists import listed
from caravan.migration.mapping.contract import MappingContext
from caravan.migration.mapping.errors import BadValueError, shown
from caravan.migration.mapping.fields import Child
from caravan.migration.mapping.keys import key_part, typed_key
from caravan.migration.mapping.levels import Level, Notes, kept, names

__all__ = ["CompiledChild", "OpenRecord", "Rows", "own_key"]

Rows = list[tuple[Any, ...]]
_KEY: Final = "_id"
_OWN: Final = "s3:_id,"


@dataclass(slots=True)
class OpenRecord:
    """A record while its rows are made. ``part`` is its key as part of a composite one, ``own`` its row by column."""

    id: bytes
    part: str
    own: Mapping[str, Any]
    notes: Notes
    originals: dict[str, Any]
    rows: dict[str, Rows]


def own_key(value: object) -> str:
    """Return the part of a composite key that an element's own ``_id`` is; raises ``BadValueError`` where it is none."""
    return _OWN + key_part(*typed_key(value))


class CompiledChild:
    """What one ``Child`` does to a record: its rows, and those of its side table."""

    def __init__(self, child: Child, context: MappingContext) -> None:
        self.child: Final = child
        self._namespace: Final = context.namespace.bytes
        self._org: Final = context.org_id.bytes
        self._constants: Final = tuple(value for _, value in child.constants)
        self._level: Final = Level(child.fields, context, f"{child.source}.")
        side = child.side.fields if child.side else ()
        self._side: Final = Level(side, context, f"{child.source}.")
        self._side_names: Final = names(side)
        self._known: Final = names(child.fields) | self._side_names

    def elements(self, document: Mapping[str, Any]) -> list[Any]:
        """Return the embedded documents of a record, in the order of their rows.

        Raises:
            BadValueError: the field holds something else.
        """
        value = document.get(self.child.source)
        if value is None:
            return []
        elements = listed(value) if self.child.shape == "many" else [value]
        for element in elements:
            if not isinstance(element, dict):
                raise BadValueError("list.not_a_document", f"{shown(element)} is not a document")
        return elements

    def add_rows(self, document: Mapping[str, Any], record: OpenRecord) -> None:
        """Add this child's rows to the record's.

        Raises:
            UnmappableError: a bad value, or a field of another shape, whose policy is quarantine.
        """
        child = self.child
        try:
            elements = self.elements(document)
        except BadValueError as error:
            record.notes.settle(error, child.source, child.on_bad, None)
            record.originals[child.source] = document[child.source]
            return
        if elements:
            rows = self._rows(elements, record)
            if (present := record.rows.get(child.table)) is None:
                record.rows[child.table] = rows
            else:
                present.extend(rows)
        record.notes.position = None

    def _rows(self, elements: Sequence[dict[str, Any]], record: OpenRecord) -> Rows:
        org, parent, notes = self._org, record.id, record.notes
        fixed = (*(record.own[column] for column in self.child.inherited), *self._constants)
        positioned = self.child.position is not None
        cells_of, known, side_names = self._level.cells, self._known, self._side_names
        rows: Rows = []
        ids, unfit = self._ids(elements, record)
        for position, (row_id, element) in enumerate(zip(ids, elements, strict=True)):
            notes.position = position
            originals: dict[str, Any] = {}
            cells = cells_of(element, notes, originals)
            if side_names and not side_names.isdisjoint(element):
                self._add_side_row(element, row_id, record, originals)
            if position in unfit:
                originals.setdefault(_KEY, element[_KEY])
            extra = None if not originals and known.issuperset(element) else kept(element, known, originals)
            if positioned:
                rows.append((org, row_id, parent, position, *fixed, *cells, extra))
            else:
                rows.append((org, row_id, parent, *fixed, *cells, extra))
        return rows

    def _add_side_row(
        self, element: dict[str, Any], row_id: bytes, record: OpenRecord, originals: dict[str, Any]
    ) -> None:
        cells = self._side.cells(element, record.notes, originals)
        if self.child.side is not None and any(cell is not None for cell in cells):
            rows = record.rows.setdefault(self.child.side.table, [])
            rows.append((self._org, row_id, record.id, *cells))

    def _ids(self, elements: Sequence[dict[str, Any]], record: OpenRecord) -> tuple[list[bytes], set[int]]:
        """Return the elements' ids, and the positions of those whose ``_id`` a column takes but no id is made of.

        An ``_id`` that comes twice in one record counts once, then the position does.
        """
        child, namespace = self.child, self._namespace
        lead = f"{child.entity}:s:{record.part},"
        if child.shape == "one":
            return [uuid5_bytes(namespace, (lead + key_part("s", child.discriminator)).encode())], set()
        own_lead = f"{lead}{_OWN}o24:"
        ids: list[bytes] = []
        unfit: set[int] = set()
        for position, element in enumerate(elements):
            own = element.get(_KEY)
            if type(own) is ObjectId:
                name = own_lead + str(own)
            elif own is None:
                name = lead + key_part("i", str(position))
            else:
                name = lead + self._own_part(own, position, record, unfit)
            ids.append(uuid5_bytes(namespace, name.encode()))
        if len(set(ids)) < len(ids):
            self._part_twins(ids, lead, record, unfit)
        return ids, unfit if _KEY in self._known else set()

    def _own_part(self, own: object, position: int, record: OpenRecord, unfit: set[int]) -> str:
        try:
            return own_key(own)
        except BadValueError as error:
            unfit.add(position)
            if _KEY not in self._known:  # else the field's own codec tells
                record.notes.position = position
                record.notes.tell(error.kind, f"{self.child.source}._id", error.detail)
            return key_part("i", str(position))

    def _part_twins(self, ids: list[bytes], lead: str, record: OpenRecord, unfit: set[int]) -> None:
        seen: set[bytes] = set()
        for position, row_id in enumerate(ids):
            if row_id in seen:
                record.notes.position = position
                record.notes.tell(
                    "key.repeated", f"{self.child.source}._id", "an element before it has the same _id"
                )
                unfit.add(position)
                ids[position] = uuid5_bytes(self._namespace, (lead + key_part("i", str(position))).encode())
            seen.add(ids[position])
