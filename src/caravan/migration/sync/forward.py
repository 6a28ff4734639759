"""The way to our PostgreSQL: a batch of the source's transactions becomes one of ours, rows and position together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import psycopg

from caravan.core.secrets_box import Box
from caravan.migration.capture.changes import Position, Transaction
from caravan.migration.load.chunk_commit import REFUSABLE, TARGET_REFUSED, said
from caravan.migration.load.packed_keys import unpack
from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.readers import RecordFormat
from caravan.migration.load.references import resolve
from caravan.migration.sync.data_set_apply import Brought, DataSetApplier
from caravan.migration.sync.flow_rows import Flow, FlowKey, Progress
from caravan.migration.sync.flows import FlowMode
from caravan.migration.sync.holding import FlowHold, progress_of
from caravan.migration.sync.prepared import Placed, Prepared, placed
from caravan.migration.sync.row_places import hold_off_chunks
from caravan.migration.sync.tags import is_ours, tag_of, tag_postgres

__all__ = ["ForwardSink"]

_NOTHING: Final = Brought()


class ForwardSink:
    """Applies changes of one source to the target tables.

    ``own`` are the source's data sets in the order they are loaded; ``plan`` the whole migration.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        key: FlowKey,
        plan: Plan,
        own: Sequence[PlannedDataSet],
        record_format: RecordFormat,
        *,
        key_path: Path,
    ) -> None:
        self._connection = connection
        self._hold = FlowHold(connection, key)
        self._scope: dict[str, Any] = {"org": plan.org_id, "migration": plan.migration}
        self._tag = tag_of(plan.migration, "forward")
        self._tables = [table for data_set in plan.data_sets for table in data_set.mapping.tables]
        box = Box(key_path)
        self._appliers = [
            DataSetApplier(
                connection, each, record_format, self._tables, box=box, log=f"changes of {key.source}"
            )
            for each in own
        ]
        self._by_collection: dict[str, list[DataSetApplier]] = defaultdict(list)
        for applier in self._appliers:
            self._by_collection[applier.data_set.collection].append(applier)

    def take(self, holder: str) -> Flow:
        flow = self._hold.take(holder)
        unpack(self._connection, self._scope["org"], self._scope["migration"])
        return flow

    def beat(self, *, head: int, pending: int, lag: float, retained: int | None = None) -> Flow:
        return self._hold.beat(head=head, pending=pending, lag=lag, retained=retained)

    def watch(self, transactions: Sequence[Transaction]) -> Progress:
        return self._hold.watch(transactions)

    def stand(self, position: Position, mode: FlowMode) -> Progress:
        return self._hold.stand(position, mode)

    def end(self, *, failed: Exception | None = None) -> None:
        self._hold.end(failed=failed)

    def close(self) -> None:
        self._connection.close()

    def apply(self, transactions: Sequence[Transaction]) -> Progress:
        """Apply in one transaction; where the tables refuse a row, in smaller ones until it is found."""
        try:
            return self._together(transactions)
        except REFUSABLE:
            if len(transactions) > 1:
                middle = len(transactions) // 2
                return self.apply(transactions[:middle]) + self.apply(transactions[middle:])
        return self._one_by_one(transactions[0])

    def _together(self, transactions: Sequence[Transaction]) -> Progress:
        work = [
            (applier, applier.prepare(changes))
            for applier, changes in self._sorted(self._foreign(transactions))
        ]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            brought = self._brought(cursor, work) if work else _NOTHING
            return self._moved(cursor, transactions, brought)

    def _one_by_one(self, transaction: Transaction) -> Progress:
        """Apply change by change, unfolded: what the source could store in this order the target can, or it is refused."""
        brought = _NOTHING
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for item in placed(self._foreign([transaction])):
                for applier in self._by_collection[item.change.collection]:
                    brought += self._one(cursor, applier, item)
            return self._moved(cursor, [transaction], brought)

    def _one(self, cursor: psycopg.Cursor[Any], applier: DataSetApplier, item: Placed) -> Brought:
        try:
            with self._connection.transaction():
                return self._brought(cursor, [(applier, applier.prepare([item]))], again=True)
        except REFUSABLE as problem:
            return applier.refuse(cursor, applier.prepare([item]), TARGET_REFUSED, said(problem))

    def _brought(
        self,
        cursor: psycopg.Cursor[Any],
        work: Sequence[tuple[DataSetApplier, Prepared]],
        *,
        again: bool = False,
    ) -> Brought:
        """Remove from the last data set to the first, write from the first to the last, fill what waited for it."""
        hold_off_chunks(cursor, self._scope)
        tag_postgres(cursor, self._tag)
        brought = _NOTHING
        for applier, prepared in reversed(work):
            brought += applier.take(cursor, prepared)
        for applier, prepared in work:
            brought += applier.write(cursor, prepared, again=again)
        come = [row_id for _, prepared in work for row_id in prepared.rows]
        if come:
            resolve(cursor, self._scope, self._tables, come=come)
        return brought

    def _moved(
        self, cursor: psycopg.Cursor[Any], transactions: Sequence[Transaction], brought: Brought
    ) -> Progress:
        read = progress_of(transactions)
        progress = Progress(
            read.position,
            read.committed_at,
            read.transactions,
            brought.applied,
            brought.passed,
            brought.refused,
        )
        self._hold.move(cursor, progress)
        return progress

    def _foreign(self, transactions: Iterable[Transaction]) -> list[Transaction]:
        return [each for each in transactions if not is_ours(each.tag, self._hold.key.migration)]

    def _sorted(self, transactions: Iterable[Transaction]) -> list[tuple[DataSetApplier, list[Placed]]]:
        changes: dict[str, list[Placed]] = defaultdict(list)
        for item in placed(transactions):
            changes[item.change.collection].append(item)
        return [
            (applier, changes[applier.data_set.collection])
            for applier in self._appliers
            if applier.data_set.collection in changes
        ]
