"""Prepared changes of one data set into its tables, inside the transaction of a flow."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from caravan.core.secrets_box import Box
from caravan.migration.load.chunk_records import write_findings, write_quarantine
from caravan.migration.load.claims import claim
from caravan.migration.load.mapped_chunk import KEY_REPEATED, ChunkMapper, Refused
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import RecordFormat
from caravan.migration.load.references import find_missing, remember
from caravan.migration.load.row_versions import marks_of
from caravan.migration.load.rows import upsert
from caravan.migration.load.staging import Staging
from caravan.migration.mapping.contract import TargetTable
from caravan.migration.sync.aliases import Aliases
from caravan.migration.sync.detaching import detach
from caravan.migration.sync.prepared import FLOW_CHUNK, Placed, Prepared, Preparer
from caravan.migration.sync.removal import clear_quarantine, forget_records, referrers_of, remove
from caravan.migration.sync.row_places import raise_floor, take_places

__all__ = ["Brought", "DataSetApplier"]


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of changes: rows written or removed, overtaken by something newer, put into quarantine."""

    applied: int = 0
    passed: int = 0
    refused: int = 0

    def __add__(self, other: "Brought") -> "Brought":
        return Brought(self.applied + other.applied, self.passed + other.passed, self.refused + other.refused)


class DataSetApplier:
    """Applies the changes of one data set over one connection.

    ``tables`` are those of the whole migration: records of other data sets may refer to ours.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        data_set: PlannedDataSet,
        record_format: RecordFormat,
        tables: Collection[TargetTable],
        *,
        box: Box,
        log: str,
    ) -> None:
        self.data_set = data_set
        self._box, self._log = box, log
        self._tables: Sequence[TargetTable] = data_set.mapping.tables
        self._mapper = ChunkMapper(data_set, record_format)
        self._preparer = Preparer(data_set, self._mapper, Aliases(connection, data_set.scope))
        self._referrers = referrers_of(data_set, tables)
        self._staging = Staging(connection, self._tables)
        self._staging.create()
        with connection.transaction(), connection.cursor() as cursor:
            self._marks = [marks_of(cursor, table) for table in self._tables]

    def prepare(self, changes: Sequence[Placed]) -> Prepared:
        """Fold and map changes; needs no transaction."""
        return self._preparer.prepare(changes)

    def take(self, cursor: psycopg.Cursor[Any], prepared: Prepared) -> Brought:
        """Note the places of the changes that win; drop the others from ``prepared``, and remove what they delete."""
        scope = self.data_set.scope
        emptied = set() if prepared.emptied is None else raise_floor(cursor, scope, prepared.emptied)
        won = take_places(cursor, scope, list(prepared.rows.values())) if prepared.rows else set()
        passed = len(prepared.rows) - len(won)
        if passed:
            kept = {row_id.bytes for row_id in won}
            prepared.mapped.leave_out({row_id.bytes for row_id in prepared.rows} - kept)
            prepared.rows = {row_id: row for row_id, row in prepared.rows.items() if row_id in won}
        detach(cursor, self.data_set, sorted(won | emptied))
        gone = sorted((prepared.deleted.keys() & won) | (emptied - prepared.rows.keys()))
        if gone:
            remove(cursor, self.data_set, self._referrers, gone)
        return Brought(applied=len(gone), passed=passed)

    def write(self, cursor: psycopg.Cursor[Any], prepared: Prepared, *, again: bool = False) -> Brought:
        """Write the records that are left, their quarantine and findings. ``again``: not for the first time in the transaction.

        Raises:
            psycopg.IntegrityError, psycopg.DataError: the tables refuse a row; nothing of the transaction may stay.
        """
        mapped, scope = prepared.mapped, self.data_set.scope
        clear_quarantine(cursor, scope, sorted(prepared.rows.keys() - prepared.deleted.keys()))
        if mapped.loadable:
            if again:
                self._staging.clear()
            forget_records(cursor, scope, [UUID(bytes=item.mapped.id) for item in mapped.loadable])
            self._upsert(cursor, prepared)
        own = {**scope, "chunk": FLOW_CHUNK}
        if mapped.refused:
            _forget_unkeyed(cursor, prepared, own)
            write_quarantine(cursor, own, mapped, self._log, self._box)
        if mapped.loadable:
            write_findings(cursor, own, mapped)
        return Brought(applied=len(mapped.loadable), refused=len(mapped.refused))

    def refuse(self, cursor: psycopg.Cursor[Any], prepared: Prepared, reason: str, detail: str) -> Brought:
        """Put all of it into quarantine instead; deletes that the tables refuse leave their rows where they are."""
        if prepared.rows:
            take_places(cursor, self.data_set.scope, list(prepared.rows.values()))
        prepared.mapped.refuse(reason, {item.mapped.id: detail for item in prepared.mapped.loadable})
        own = {**self.data_set.scope, "chunk": FLOW_CHUNK}
        prepared.mapped.refused += [
            Refused(0, 0, f"delete {tag}:{key}".encode(), reason, "", detail, tag, key, row_id.bytes)
            for row_id, (tag, key) in prepared.deleted.items()
        ]
        clear_quarantine(cursor, own, sorted(prepared.rows))
        write_quarantine(cursor, own, prepared.mapped, self._log, self._box)
        return Brought(refused=len(prepared.mapped.refused))

    def _upsert(self, cursor: psycopg.Cursor[Any], prepared: Prepared) -> None:
        mapped, data_set = prepared.mapped, self.data_set
        self._staging.copy(mapped.loadable)
        claims = claim(cursor, {**data_set.scope, "chunk": None}, len(mapped.loadable))
        if claims.repeated:
            self._staging.remove([UUID(bytes=row_id) for row_id in claims.repeated])
            mapped.refuse(KEY_REPEATED, claims.repeated)
        missing = find_missing(cursor, data_set.org_id, self._tables)
        upsert(cursor, data_set.org_id, self._tables, missing, self._marks)
        if missing:
            remember(cursor, data_set, self._mapper, mapped, missing)
        self._staging.clear_keys()


def _forget_unkeyed(cursor: psycopg.Cursor[Any], prepared: Prepared, own: dict[str, Any]) -> None:
    keys = [item.key for item in prepared.mapped.refused if item.row_id is None]
    if keys:
        cursor.execute(
            "DELETE FROM engine.quarantine WHERE org_id = %(org)s AND migration = %(migration)s"
            " AND data_set = %(data_set)s AND chunk = %(chunk)s AND row_id IS NULL AND key = ANY(%(keys)s)",
            {**own, "keys": keys},
        )
