"""A load of a source that is followed at the same time: each row notes its snapshot's place, and leaves newer rows alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.migration.capture import CaptureOptions, position_of_snapshot
from caravan.migration.config import MigrationConfig
from caravan.migration.load.chunk_commit import ChunkGuard
from caravan.migration.load.mapped_chunk import MappedChunk
from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.readers import Live, Reader
from caravan.migration.load.request import Beside
from caravan.migration.sync.aliases import Aliases, brought_home
from caravan.migration.sync.captures import options_of
from caravan.migration.sync.errors import LoadNotBesideCaptureError, SnapshotTooOldError
from caravan.migration.sync.flow_rows import Flow, flows_of
from caravan.migration.sync.prepared import FLOW_CHUNK
from caravan.migration.sync.row_places import hold_off_flows, note_chunk
from caravan.migration.sync.tags import tag_of, tag_postgres

__all__ = ["SnapshotGuard", "beside_flows"]

_CLEARED: Final = (
    "DELETE FROM engine.quarantine WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s"
    " AND chunk = %(chunk)s AND row_id = ANY(%(rows)s)"
)


_MAPPED_OTHERWISE: Final = """
SELECT EXISTS (SELECT 1 FROM engine.ledger WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s
        AND mapping_version <> %(version)s)
    AND EXISTS (SELECT 1 FROM engine.applied WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s
        AND number > %(start)s AND NOT deleted)
"""


@dataclass(frozen=True, slots=True)
class SnapshotGuard:
    """Admits the rows of a snapshot at this position where nothing newer stands, and no tombstone."""

    snapshot: int

    def bring_home(
        self, connection: psycopg.Connection, data_set: PlannedDataSet, mapped: MappedChunk
    ) -> None:
        """Give records that were born on our side, and written back since, the ids they have here."""
        if brought_home(mapped, data_set.mapping.tables, (), Aliases(connection, data_set.scope)):
            mapped.seal()

    def admit(
        self, cursor: psycopg.Cursor[Any], data_set: PlannedDataSet, row_ids: Collection[bytes]
    ) -> list[UUID]:
        """Note the rows' places, and return those that are left to the flow."""
        scope = data_set.scope
        hold_off_flows(cursor, scope)
        tag_postgres(cursor, tag_of(data_set.migration, "load"))
        rows = sorted({UUID(bytes=row_id) for row_id in row_ids})
        admitted = note_chunk(cursor, scope, rows, snapshot=self.snapshot)
        if admitted:
            cursor.execute(_CLEARED, {**scope, "chunk": FLOW_CHUNK, "rows": list(admitted)})
        return [row_id for row_id in rows if row_id not in admitted]


def beside_flows(address: DatabaseAddress, config: MigrationConfig) -> Beside:
    """Return what gives a load its guards, for each source whose changes are followed. Call it before the sources are opened.

    What it returns raises:
        LoadNotBesideCaptureError: the source does not change with the flow, or our side has the authority over its data.
        SnapshotTooOldError: changes between the snapshot and the begin of the capture would be missed.
    """
    before = _begins(address, config.migration.name)

    def guards(plan: Plan, readers: Mapping[str, Reader]) -> Mapping[str, ChunkGuard]:
        with _connected(address) as connection:
            scope = {"org": plan.org_id, "migration": plan.migration}
            flows = {flow.source: flow for flow in flows_of(connection, scope) if flow.direction == "forward"}
            for name, flow in flows.items():
                if (plan.org_id, name, flow.start_number) not in before:
                    raise SnapshotTooOldError(
                        f"The capture of {name} began when the load had taken its snapshot already."
                    )
            sources = {item.name: item.source for item in config.data_sets}
            return {
                each.name: _guard(
                    connection,
                    flows[sources[each.name]],
                    each,
                    readers[each.name],
                    options_of(config, sources[each.name]),
                )
                for each in plan.data_sets
                if sources[each.name] in flows and each.name in readers
            }

    return guards


def _guard(
    connection: psycopg.Connection,
    flow: Flow,
    data_set: PlannedDataSet,
    reader: Reader,
    options: CaptureOptions,
) -> SnapshotGuard:
    if flow.mode == "watch":
        raise LoadNotBesideCaptureError(
            f"The new side has the authority over the data of the source {flow.source}: a load would bring back what is old."
        )
    if not isinstance(reader, Live):
        raise LoadNotBesideCaptureError(
            f"The source {flow.source} is followed from position {flow.start_number}, and what is to be loaded stands still."
        )
    told = position_of_snapshot(data_set.kind, reader.snapshot(), options)
    if told is None:
        # It was taken after the capture began: it shows at least what was there then.
        _assert_same_mapping(connection, flow, data_set)
        return SnapshotGuard(flow.start_number)
    if told.number < flow.start_number:
        raise SnapshotTooOldError(
            f"The snapshot of {flow.source} stands at {told.number}, before {flow.start_number}, where its capture began."
        )
    return SnapshotGuard(told.number)


def _assert_same_mapping(connection: psycopg.Connection, flow: Flow, data_set: PlannedDataSet) -> None:
    """A snapshot without a position does not reach what has changed since the capture began: that would stay mapped as before."""
    version = {**data_set.scope, "version": data_set.mapping.version, "start": flow.start_number}
    found = connection.execute(_MAPPED_OTHERWISE, version).fetchone()
    if found is not None and found[0]:
        raise LoadNotBesideCaptureError(
            f"The mapping of {data_set.name} has changed while the source {flow.source} was followed, and its snapshots state no"
            " position: what has changed there since would stay as the mapping before made it."
        )


def _begins(address: DatabaseAddress, migration: str) -> set[tuple[UUID, str, int]]:
    with _connected(address) as connection:
        rows = connection.execute(
            "SELECT org_id, source, start_number FROM engine.flows WHERE migration = %s AND direction = 'forward'",
            (migration,),
        )
        return {(row[0], row[1], row[2]) for row in rows}


def _connected(address: DatabaseAddress) -> psycopg.Connection:
    return psycopg.connect(address.libpq(Role.SYSTEM, application="caravan load"), autocommit=True)
