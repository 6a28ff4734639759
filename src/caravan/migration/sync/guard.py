"""A load of a source that is followed at the same time: each row notes its snapshot's place, and leaves newer rows alone."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

import psycopg

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.migration.config import MigrationConfig
from caravan.migration.load.chunk_commit import ChunkGuard
from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.readers import Live, Reader
from caravan.migration.load.request import Beside
from caravan.migration.sync.errors import LoadNotBesideCaptureError, SnapshotTooOldError
from caravan.migration.sync.flow_rows import Flow, flows_of
from caravan.migration.sync.prepared import FLOW_CHUNK
from caravan.migration.sync.row_places import hold_off_flows, note_chunk
from caravan.migration.sync.tags import tag_of, tag_postgres

__all__ = ["SnapshotGuard", "SnapshotNumber", "beside_flows"]

SnapshotNumber: TypeAlias = Callable[[str, Reader], int | None]
"""From a source's name and its reader to the number of the position its snapshot stands at; None where it has none."""

_CLEARED: Final = (
    "DELETE FROM engine.quarantine WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s"
    " AND chunk = %(chunk)s AND row_id = ANY(%(rows)s)"
)


@dataclass(frozen=True, slots=True)
class SnapshotGuard:
    """Admits the rows of a snapshot at this position where nothing newer stands, and no tombstone."""

    snapshot: int

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


def beside_flows(address: DatabaseAddress, config: MigrationConfig, number_of: SnapshotNumber) -> Beside:
    """Return what gives a load its guards, for each source whose changes are followed.

    What it returns raises:
        LoadNotBesideCaptureError: the source has no position, or our side has the authority over its data.
        SnapshotTooOldError: changes between the snapshot and the begin of the capture would be missed.
    """

    def guards(plan: Plan, readers: Mapping[str, Reader]) -> Mapping[str, ChunkGuard]:
        with psycopg.connect(
            address.libpq(Role.SYSTEM, application="caravan load"), autocommit=True
        ) as connection:
            scope = {"org": plan.org_id, "migration": plan.migration}
            flows = {flow.source: flow for flow in flows_of(connection, scope) if flow.direction == "forward"}
        return {
            item.name: _guard(flows[item.source], item.source, readers[item.name], number_of)
            for item in config.data_sets
            if item.source in flows and item.name in readers
        }

    return guards


def _guard(flow: Flow, source: str, reader: Reader, number_of: SnapshotNumber) -> SnapshotGuard:
    if flow.mode == "watch":
        raise LoadNotBesideCaptureError(
            f"The new side has the authority over the data of the source {source}: a load would bring back what is old."
        )
    number = number_of(source, reader) if isinstance(reader, Live) else None
    if number is None:
        raise LoadNotBesideCaptureError(
            f"The source {source} is followed from position {flow.start_number}, and what is to be loaded has no position."
        )
    if number < flow.start_number:
        raise SnapshotTooOldError(
            f"The snapshot of {source} stands at {number}, before {flow.start_number}, where its capture began."
        )
    return SnapshotGuard(number)
