"""Records of ours into the legacy store: inverted by their mapping, those that others refer to first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import UUID

import psycopg

from caravan.core.ids import LegacyTag, composite_key
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.mapping.contract import InverseContext, UnmappableError
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.record_keys import key_fields
from caravan.migration.sync.key_book import KeyBook, KeyNeededError
from caravan.migration.sync.legacy.writer import LegacyBatch, RowRefusedError
from caravan.migration.sync.record_rows import RecordRows, read_records

__all__ = ["Outcome", "Record", "WriteBack"]

_PART: Final[tuple[LegacyTag, str]] = ("i", "0")


@dataclass(frozen=True, slots=True)
class Record:
    """A touched record; without ``rows`` it is gone."""

    data_set: PlannedDataSet
    row_id: UUID
    rows: RecordRows | None


@dataclass(slots=True)
class Outcome:
    """What was written, and what must be noted of it on our side.

    ``given`` are keys of the store, ``aliases`` ids that keys would give instead of ours, ``touched`` the records written.
    """

    written: int = 0
    given: list[tuple[PlannedDataSet, UUID, tuple[LegacyTag, str]]] = field(default_factory=list)
    aliases: list[tuple[PlannedDataSet, dict[bytes, bytes]]] = field(default_factory=list)
    gone: list[Record] = field(default_factory=list)
    refused: list[tuple[Record, str, str]] = field(default_factory=list)
    touched: list[UUID] = field(default_factory=list)


class WriteBack:
    """Writes records of one source back. ``cursor`` is that of the snapshot the records were read in."""

    def __init__(
        self,
        own: Sequence[PlannedDataSet],
        keys: KeyBook,
        cursor: psycopg.Cursor[Any],
        batch: LegacyBatch,
        shape: Literal["document", "row"],
    ) -> None:
        self._own = {each.mapping.entity: each for each in own}
        self._keys, self._cursor, self._batch, self._shape = keys, cursor, batch, shape
        self.outcome = Outcome()

    def write(self, record: Record) -> None:
        """Write one record, and before it those that it refers to and that the store does not know.

        Raises:
            RowRefusedError, UnmappableError: the store or the mapping refuses it.
        """
        if record.rows is None:
            self._remove(record)
            return
        self._keys.being_written.add(record.row_id.bytes)
        while True:
            try:
                self._put(record, record.rows)
                return
            except KeyNeededError as needed:
                self._bring(needed)

    def _bring(self, needed: KeyNeededError) -> None:
        """Write back the row that is needed; where it cannot be, the reference to it is unknown to the store."""
        data_set, row_id = self._own[needed.entity], UUID(bytes=needed.row_id)
        self._keys.being_written.add(needed.row_id)
        found = read_records(self._cursor, data_set, [row_id])
        if row_id in found:
            rows = found[row_id]
            self._keys.look_up(self._cursor, data_set.org_id, data_set.mapping.tables, [rows])
            if self._keys.known(needed.row_id) is None:
                self.write(Record(data_set, row_id, rows))

    def _put(self, record: Record, rows: RecordRows) -> None:
        data_set = record.data_set
        known = (
            self._keys.known(record.row_id.bytes) or self._given_before(record) or self._brought(record, rows)
        )
        if known is None:
            self._insert(record, rows)
            return
        document = self._inverted(record, rows, known)
        key = self._key_fields(data_set, known)
        fields = {name: value for name, value in document.items() if name not in key}
        ignored = data_set.mapping.main.ignored if isinstance(data_set.mapping, Entity) else ()
        self._batch.put(data_set.collection, key, fields, kept=ignored)
        self._wrote(record, rows, {**document, **key})

    def _given_before(self, record: Record) -> tuple[LegacyTag, str] | None:
        """Return the key that an attempt which did not live to tell it has given to this record."""
        given = self._batch.given_key(record.data_set.collection, record.row_id)
        if given is not None:
            self._keys.give(record.row_id.bytes, given)
            self.outcome.given.append((record.data_set, record.row_id, given))
        return given

    def _brought(self, record: Record, rows: RecordRows) -> tuple[LegacyTag, str] | None:
        """Return the key that the record's own columns hold, where the mapping keeps every field of the key in one."""
        mapping, names = record.data_set.mapping, _key_names(record.data_set)
        if not isinstance(mapping, Entity) or not {field.source for field in mapping.main.fields}.issuperset(
            names
        ):
            return None
        document = self._inverted(record, rows, _provisional(names))
        key = mapping.key_of({name: document.get(name) for name in names})
        self._keys.give(record.row_id.bytes, key)
        self.outcome.given.append((record.data_set, record.row_id, key))
        return key

    def _insert(self, record: Record, rows: RecordRows) -> None:
        data_set = record.data_set
        names = _key_names(data_set)
        document = self._inverted(record, rows, _provisional(names))
        fields = {name: value for name, value in document.items() if name not in names}
        given = self._batch.insert(data_set.collection, record.row_id, names, fields)
        self._keys.give(record.row_id.bytes, given)
        self.outcome.given.append((data_set, record.row_id, given))
        self._wrote(record, rows, {**document, **self._key_fields(data_set, given)})

    def _remove(self, record: Record) -> None:
        known = self._keys.known(record.row_id.bytes) or self._batch.given_key(
            record.data_set.collection, record.row_id
        )
        if known is not None:
            self._batch.remove(record.data_set.collection, self._key_fields(record.data_set, known))
            self.outcome.gone.append(record)

    def _inverted(self, record: Record, rows: RecordRows, key: tuple[LegacyTag, str]) -> dict[str, Any]:
        mapping = record.data_set.mapping
        if not isinstance(mapping, Entity):
            raise UnmappableError(
                "mapping.one_way", "", f"the mapping of {record.data_set.name} has no way back"
            )
        before = self._keys.known(record.row_id.bytes)
        self._keys.give(record.row_id.bytes, key)
        try:
            return mapping.invert(rows, InverseContext(record.data_set.context, self._keys, self._shape))
        finally:
            self._keys.restore(record.row_id.bytes, before)

    def _wrote(self, record: Record, rows: RecordRows, document: Mapping[str, Any]) -> None:
        """Count it, and note which ids the way forward would give to these rows, so that a change from there finds them."""
        self.outcome.written += 1
        self.outcome.touched.append(record.row_id)
        try:
            mapped = record.data_set.mapping.map(document, record.data_set.context)
        except UnmappableError:
            return
        aliases: dict[bytes, bytes] = {}
        for table in record.data_set.mapping.tables:
            theirs = [row[1] for row in mapped.rows.get(table.name, ())]
            ours = [row[1] for row in rows.get(table.name, ())]
            missing = [row_id for row_id in ours if row_id not in set(theirs)]
            fresh = [row_id for row_id in theirs if row_id not in set(ours)]
            if len(missing) == len(fresh):
                aliases.update(zip(fresh, missing, strict=True))
        if aliases:
            self.outcome.aliases.append((record.data_set, aliases))

    def _key_fields(self, data_set: PlannedDataSet, key: tuple[LegacyTag, str]) -> dict[str, Any]:
        return key_fields(_key_names(data_set), key, self._shape)


def _provisional(names: Sequence[str]) -> tuple[LegacyTag, str]:
    """Return the key under which a record is inverted that has none yet; its fields are left out then."""
    return _PART if len(names) == 1 else ("s", composite_key([_PART] * len(names)))


def _key_names(data_set: PlannedDataSet) -> tuple[str, ...]:
    mapping = data_set.mapping
    if not isinstance(mapping, Entity) or not mapping.main.key:
        raise RowRefusedError(f"the records of {data_set.name} have no key to be found by")
    return tuple(mapping.main.key)
