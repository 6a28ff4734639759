"""Changes of one data set on their way into its tables: folded to the last one of each row, mapped, refused. Needs no transaction."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from caravan.core.ids import LegacyTag, uuid5_bytes
from caravan.migration.capture.changes import Change, Transaction
from caravan.migration.load.chunks import Chunk
from caravan.migration.load.mapped_chunk import ChunkMapper, MappedChunk, Refused
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import BrokenRecord, Record
from caravan.migration.mapping.contract import UnmappableError
from caravan.migration.sync.aliases import Aliases, brought_home
from caravan.migration.sync.places import Place
from caravan.migration.sync.row_places import PlacedRow

__all__ = ["FLOW_CHUNK", "Placed", "Prepared", "Preparer", "placed"]

FLOW_CHUNK: Final = -1
"""The chunk under which quarantine, findings and missing references of changes are kept."""

_BEHIND_THE_LOAD: Final = 1 << 40
"""Ordinals of records that came as changes: behind all that a load has numbered."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A change and its place in the log."""

    change: Change
    place: Place


def placed(transactions: Iterable[Transaction]) -> list[Placed]:
    """Return the changes with their places."""
    return [
        Placed(change, Place(transaction.position.number, change.step))
        for transaction in transactions
        for change in transaction.changes
    ]


@dataclass(slots=True)
class Prepared:
    """What is left of changes.

    ``rows`` are the places of all rows they are about, ``deleted`` the keys of those that go, ``emptied`` the last truncate.
    """

    mapped: MappedChunk
    rows: dict[UUID, PlacedRow] = field(default_factory=dict)
    deleted: dict[UUID, tuple[LegacyTag, str]] = field(default_factory=dict)
    emptied: Place | None = None


class Preparer:
    """Prepares the changes of one data set."""

    def __init__(self, data_set: PlannedDataSet, mapper: ChunkMapper, aliases: Aliases) -> None:
        self._aliases = aliases
        self._mapping = data_set.mapping
        self._namespace = data_set.context.namespace.bytes
        self._mapper = mapper

    def prepare(self, changes: Sequence[Placed]) -> Prepared:
        """Fold and map; of changes to one row the one with the highest place is left, whatever their order."""
        emptied = max((item.place for item in changes if item.change.kind == "truncate"), default=None)
        last: dict[str, tuple[Placed, tuple[LegacyTag, str] | None]] = {}
        for item in changes:
            if item.change.kind == "truncate" or (emptied is not None and item.place < emptied):
                continue
            key = self._key(item.change)
            name = _shown_key(item.change) if key is None else f"{key[0]}:{key[1]}"
            before = last.get(name)
            if before is None or before[0].place < item.place:
                last[name] = (item, key)
        return self._mapped(list(last.values()), emptied)

    def _mapped(
        self, last: list[tuple[Placed, tuple[LegacyTag, str] | None]], emptied: Place | None
    ) -> Prepared:
        records: list[Record | BrokenRecord] = []
        sources: list[tuple[Placed, tuple[LegacyTag, str] | None]] = []
        for item, key in last:
            if item.change.kind == "upsert" and item.change.record is not None:
                records.append(replace(item.change.record, ordinal=_BEHIND_THE_LOAD + len(records)))
                sources.append((item, key))
        mapped = self._mapper.map(Chunk(FLOW_CHUNK, _BEHIND_THE_LOAD, tuple(records), b""))
        prepared = Prepared(mapped, emptied=emptied)
        mapped.refused = [
            self._with_key(refused, *sources[refused.ordinal - _BEHIND_THE_LOAD])
            for refused in mapped.refused
        ]
        gone = {
            self._row_id(key): (item, key)
            for item, key in last
            if item.change.kind == "delete" and key is not None
        }
        home = brought_home(mapped, self._mapping.tables, gone, self._aliases)
        for row_id, index in _row_ids(mapped):
            _place(prepared, row_id, sources[index][0], deleted=False)
        for computed, (item, key) in gone.items():
            row_id = UUID(bytes=home.get(computed, computed))
            prepared.deleted[row_id] = key
            _place(prepared, row_id, item, deleted=True)
        return prepared

    def _key(self, change: Change) -> tuple[LegacyTag, str] | None:
        try:
            return self._mapping.key_of(change.key)
        except UnmappableError:
            return None

    def _row_id(self, key: tuple[LegacyTag, str]) -> bytes:
        return uuid5_bytes(self._namespace, f"{self._mapping.entity}:{key[0]}:{key[1]}".encode())

    def _with_key(self, refused: Refused, item: Placed, key: tuple[LegacyTag, str] | None) -> Refused:
        """Name the record by the key that the log tells, where its own could not be read."""
        if refused.row_id is not None:
            return refused
        if key is None:
            return replace(refused, key=_shown_key(item.change))
        return replace(refused, tag=key[0], key=key[1], row_id=self._row_id(key))


def _row_ids(mapped: MappedChunk) -> list[tuple[UUID, int]]:
    loadable = [(item.mapped.id, item.source.ordinal) for item in mapped.loadable]
    refused = [(item.row_id, item.ordinal) for item in mapped.refused if item.row_id is not None]
    return [(UUID(bytes=row_id), ordinal - _BEHIND_THE_LOAD) for row_id, ordinal in [*loadable, *refused]]


def _place(prepared: Prepared, row_id: UUID, item: Placed, *, deleted: bool) -> None:
    before = prepared.rows.get(row_id)
    if before is None or before.place < item.place:
        prepared.rows[row_id] = PlacedRow(row_id, item.place, deleted)


def _shown_key(change: Change) -> str:
    return json.dumps(change.key, default=str, sort_keys=True, ensure_ascii=False)
