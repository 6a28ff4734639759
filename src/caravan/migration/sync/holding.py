"""What every sink does alike: it holds the flow's row, beats, watches, and ends."""

import json
from collections.abc import Sequence
from typing import Any, Final

import psycopg

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.core.errors import CaravanError
from caravan.core.ids import uuid7
from caravan.migration.capture.changes import Change, Position, Transaction
from caravan.migration.sync.flow_rows import Flow, FlowKey, Progress, beat, end, move, take_flow
from caravan.migration.sync.flows import FlowMode
from caravan.migration.sync.tags import is_ours

__all__ = ["FlowHold", "open_connection", "progress_of"]

_SETTINGS: Final = (
    # A few rows look into tables that may be large, from staging tables nobody has analysed: by their indexes, never by a scan.
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET jit = off",
)

_NAMED: Final = 100
"""Foreign writes of one batch that are told by key; all are counted."""

_FOREIGN: Final = """
INSERT INTO engine.foreign_writes (org_id, id, migration, source, direction, collection, kind, key, number, step, committed_at)
VALUES (%(org)s, %(id)s, %(migration)s, %(source)s, %(direction)s, %(collection)s, %(kind)s, %(key)s, %(number)s, %(step)s,
    %(at)s)
ON CONFLICT (org_id, migration, source, direction, number, step) DO NOTHING
"""


def open_connection(address: DatabaseAddress) -> psycopg.Connection:
    """Return a connection of a flow: autocommit, each batch is a transaction of its own."""
    connection = psycopg.connect(
        address.libpq(Role.SYSTEM, application="caravan sync"), autocommit=True, connect_timeout=5
    )
    connection.prepare_threshold = None
    for setting in _SETTINGS:
        connection.execute(setting.encode())
    return connection


def progress_of(transactions: Sequence[Transaction]) -> Progress:
    """Return the progress of having read these, before anything is counted."""
    last = max(transactions, key=lambda each: each.position)
    told = sum(1 for each in transactions if each.changes)
    return Progress(last.position, last.committed_at, transactions=told)


class FlowHold:
    """The hold on one flow over one connection, which must be in autocommit mode."""

    def __init__(self, connection: psycopg.Connection, key: FlowKey) -> None:
        self.connection = connection
        self.key = key
        self._epoch = -1

    @property
    def epoch(self) -> int:
        """The number of this holder: every smaller one is of the past."""
        return self._epoch

    def take(self, holder: str) -> Flow:
        """Become the holder; raises ``FlowHeldError``."""
        flow = take_flow(self.connection, self.key, holder)
        self._epoch = flow.epoch
        return flow

    def move(self, cursor: psycopg.Cursor[Any], progress: Progress, *, mode: FlowMode = "apply") -> None:
        """Note the progress in the caller's transaction; raises ``FlowReplacedError``, ``ModeChangedError``."""
        move(cursor, self.key, self._epoch, mode, progress)

    def watch(self, transactions: Sequence[Transaction]) -> Progress:
        """Note what nobody of ours wrote, and the position."""
        foreign = [
            (each, change)
            for each in transactions
            if not is_ours(each.tag, self.key.migration)
            for change in each.changes
        ]
        progress = progress_of(transactions) + Progress(Position(0), foreign=len(foreign))
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.executemany(_FOREIGN, [self._told(*item) for item in foreign[:_NAMED]])
            self.move(cursor, progress, mode="watch")
        return progress

    def stand(self, position: Position, mode: FlowMode) -> Progress:
        """Note that the log was read up to here and held nothing."""
        progress = Progress(position)
        with self.connection.transaction(), self.connection.cursor() as cursor:
            self.move(cursor, progress, mode=mode)
        return progress

    def beat(self, *, head: int, pending: int, lag: float, retained: int | None = None) -> Flow:
        """Tell what is seen, ``retained`` in bytes; returns what is wanted."""
        return beat(
            self.connection, self.key, self._epoch, head=head, pending=pending, lag=lag, retained=retained
        )

    def end(self, *, failed: Exception | None = None) -> None:
        """Let go of the flow, with the reason where it failed."""
        if self._epoch < 0 or self.connection.closed:
            return
        if failed is None:
            end(self.connection, self.key, self._epoch, "stopped")
            return
        code = failed.code if isinstance(failed, CaravanError) else type(failed).__name__
        end(self.connection, self.key, self._epoch, "failed", code=code, error=str(failed))

    def _told(self, transaction: Transaction, change: Change) -> dict[str, Any]:
        return {
            **self.key.parameters,
            "id": uuid7(),
            "collection": change.collection,
            "kind": change.kind,
            "key": json.dumps(change.key, default=str, sort_keys=True, ensure_ascii=False),
            "number": transaction.position.number,
            "step": change.step,
            "at": transaction.committed_at,
        }
