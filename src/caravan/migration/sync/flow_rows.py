"""The row of a flow: who holds it, how far it is, what is wanted of it. Every change of a holder carries its epoch.

A process that was thought dead and wakes up finds a higher epoch and commits nothing more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from caravan.migration.capture.changes import Position
from caravan.migration.sync.errors import FlowHeldError, FlowReplacedError, FlowUnknownError
from caravan.migration.sync.flows import Direction, FlowMode, FlowState, Lag

__all__ = [
    "Flow",
    "FlowKey",
    "ModeChangedError",
    "Progress",
    "beat",
    "create_flow",
    "end",
    "find_flow",
    "flows_of",
    "move",
    "take_flow",
]

_WHERE: Final = " WHERE org_id = %(org)s AND migration = %(migration)s AND source = %(source)s AND direction = %(direction)s"
_COLUMNS: Final = (
    "source, direction, epoch, holder, mode, wish, state, start_number, applied_number, applied_resume, applied_at,"
    " head_number, head_at, stop_number, pending, lag_seconds, transactions, rows_applied, rows_passed, rows_refused,"
    " foreign_writes, retained_bytes, heartbeat_at, error_code, error"
)
_FIND: Final = f"SELECT {_COLUMNS} FROM engine.flows{_WHERE}"  # noqa: S608 - made of constants
_ALL: Final = (
    f"SELECT {_COLUMNS} FROM engine.flows WHERE org_id = %(org)s AND migration = %(migration)s ORDER BY 1, 2"  # noqa: S608 - made of constants
)
_CREATE: Final = """
INSERT INTO engine.flows (org_id, migration, source, direction, mode, start_number, applied_number, applied_resume, head_number)
VALUES (%(org)s, %(migration)s, %(source)s, %(direction)s, %(mode)s, %(number)s, %(number)s, %(resume)s, %(number)s)
ON CONFLICT (org_id, migration, source, direction) DO NOTHING
"""
_LOCK: Final = (
    "SELECT pg_try_advisory_lock(hashtextextended('caravan flow ' || %(org)s::text || %(migration)s || ' ' || %(source)s"
    " || ' ' || %(direction)s, 0))"
)
_TAKE: Final = (
    "UPDATE engine.flows"  # noqa: S608 - made of constants
    " SET epoch = epoch + 1, holder = %(holder)s, state = 'running', error_code = NULL,"
    f" error = NULL, started_at = clock_timestamp(), heartbeat_at = clock_timestamp(){_WHERE} RETURNING {_COLUMNS}"
)
_MOVE: Final = f"""
UPDATE engine.flows SET applied_number = greatest(applied_number, %(number)s),
    applied_resume = CASE WHEN applied_number <= %(number)s THEN %(resume)s ELSE applied_resume END,
    applied_at = greatest(%(at)s, applied_at), head_number = greatest(head_number, %(number)s),
    transactions = transactions + %(transactions)s, rows_applied = rows_applied + %(applied)s,
    rows_passed = rows_passed + %(passed)s, rows_refused = rows_refused + %(refused)s,
    foreign_writes = foreign_writes + %(foreign)s, heartbeat_at = clock_timestamp()
{_WHERE} AND epoch = %(epoch)s AND mode = %(mode)s
    AND (stop_number IS NULL OR stop_number >= %(number)s) RETURNING stop_number
"""  # noqa: S608 - made of constants
_EPOCH: Final = f"SELECT epoch FROM engine.flows{_WHERE}"  # noqa: S608 - made of constants
_BEAT: Final = f"""
UPDATE engine.flows SET head_number = greatest(head_number, %(head)s), head_at = clock_timestamp(), pending = %(pending)s,
    lag_seconds = %(lag)s, retained_bytes = %(retained)s, heartbeat_at = clock_timestamp(){_WHERE} AND epoch = %(epoch)s RETURNING {_COLUMNS}
"""  # noqa: S608 - made of constants
_END: Final = (
    "UPDATE engine.flows"  # noqa: S608 - made of constants
    " SET state = %(state)s, holder = '', error_code = %(code)s, error = %(error)s,"
    f" heartbeat_at = clock_timestamp(){_WHERE} AND epoch = %(epoch)s"
)


class ModeChangedError(Exception):
    """While a batch was on its way the flow was told to watch, to apply, or to hold at a position before the batch's end."""


@dataclass(frozen=True, slots=True)
class FlowKey:
    """Names one flow."""

    org_id: UUID
    migration: str
    source: str
    direction: Direction

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that name it in SQL."""
        return {
            "org": self.org_id,
            "migration": self.migration,
            "source": self.source,
            "direction": self.direction,
        }

    def __str__(self) -> str:
        return f"{self.migration} {self.source} {self.direction}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A row of ``engine.flows`` as it was read; what the columns mean is told by ``models.FlowRow``."""

    source: str
    direction: Direction
    epoch: int
    holder: str
    mode: FlowMode
    wish: str
    state: FlowState
    start_number: int
    applied_number: int
    applied_resume: str
    applied_at: datetime | None
    head_number: int
    head_at: datetime | None
    stop_number: int | None
    pending: int
    lag_seconds: float
    transactions: int
    rows_applied: int
    rows_passed: int
    rows_refused: int
    foreign_writes: int
    heartbeat_at: datetime
    error_code: str | None
    error: str | None
    retained_bytes: int | None = None

    @property
    def applied(self) -> Position:
        """The position up to which everything is applied."""
        return Position(self.applied_number, self.applied_resume)

    @property
    def caught_up(self) -> bool:
        """Whether nothing was left when the log's end was last looked at."""
        return self.head_at is not None and self.applied_number >= self.head_number

    def lag(self, now: datetime) -> Lag:
        """Return how far it is behind; a flow that nobody carries gets older by the second."""
        seconds = self.lag_seconds
        if self.state != "running" or not self.caught_up:
            seconds += max(0.0, (now - self.heartbeat_at).total_seconds())
        return Lag(seconds, self.pending if self.state == "running" else None, self.heartbeat_at)


@dataclass(frozen=True, slots=True)
class Progress:
    """What one commit brought."""

    position: Position
    committed_at: datetime | None = None
    transactions: int = 0
    applied: int = 0
    passed: int = 0
    refused: int = 0
    foreign: int = 0

    def __add__(self, other: "Progress") -> "Progress":
        newer = max(self, other, key=lambda each: each.position)
        return Progress(
            newer.position,
            newer.committed_at,
            self.transactions + other.transactions,
            self.applied + other.applied,
            self.passed + other.passed,
            self.refused + other.refused,
            self.foreign + other.foreign,
        )


def find_flow(connection: psycopg.Connection, key: FlowKey) -> Flow | None:
    """Return the flow, or None when it was never started."""
    with connection.cursor(row_factory=class_row(Flow)) as cursor:
        return cursor.execute(_FIND, key.parameters).fetchone()


def flows_of(connection: psycopg.Connection, scope: Mapping[str, Any]) -> list[Flow]:
    """Return all flows of a migration."""
    with connection.cursor(row_factory=class_row(Flow)) as cursor:
        return cursor.execute(_ALL, scope).fetchall()


def create_flow(
    connection: psycopg.Connection, key: FlowKey, start: Position, *, mode: FlowMode = "apply"
) -> Flow:
    """Return the flow, made when absent; ``start`` is where its log is read from."""
    parameters = {**key.parameters, "mode": mode, "number": start.number, "resume": start.resume}
    connection.execute(_CREATE, parameters)
    return _known(find_flow(connection, key), key)


def take_flow(connection: psycopg.Connection, key: FlowKey, holder: str) -> Flow:
    """Become its holder for as long as the connection lives.

    Raises:
        FlowHeldError: another process is.
        FlowUnknownError: the flow was never started.
    """
    locked = connection.execute(_LOCK, key.parameters).fetchone()
    if locked is None or not locked[0]:
        other = find_flow(connection, key)
        raise FlowHeldError(f"{other.holder if other else 'another process'} carries the flow {key}.")
    with connection.cursor(row_factory=class_row(Flow)) as cursor:
        return _known(cursor.execute(_TAKE, {**key.parameters, "holder": holder}).fetchone(), key)


def move(cursor: psycopg.Cursor[Any], key: FlowKey, epoch: int, mode: FlowMode, progress: Progress) -> None:
    """Note a progress in the transaction that brings its rows.

    Raises:
        FlowReplacedError: another process has taken over.
        ModeChangedError: the flow is to do something else since; nothing of the transaction may stay.
    """
    parameters = {
        **key.parameters,
        "epoch": epoch,
        "mode": mode,
        "number": progress.position.number,
        "resume": progress.position.resume,
        "at": progress.committed_at,
        "transactions": progress.transactions,
        "applied": progress.applied,
        "passed": progress.passed,
        "refused": progress.refused,
        "foreign": progress.foreign,
    }
    if cursor.execute(_MOVE.encode(), parameters).fetchone() is not None:
        return
    now = cursor.execute(_EPOCH.encode(), parameters).fetchone()
    if now is not None and now[0] == epoch:
        raise ModeChangedError(mode)
    raise FlowReplacedError(f"The flow {key} is carried by somebody else since.")


def beat(
    connection: psycopg.Connection,
    key: FlowKey,
    epoch: int,
    *,
    head: int,
    pending: int,
    lag: float,
    retained: int | None = None,
) -> Flow:
    """Tell that the holder lives and what it sees; returns what is wanted of it.

    Raises:
        FlowReplacedError: another process has taken over.
    """
    seen = {"head": head, "pending": pending, "lag": lag, "retained": retained}
    parameters = {**key.parameters, "epoch": epoch, **seen}
    with connection.cursor(row_factory=class_row(Flow)) as cursor:
        found = cursor.execute(_BEAT, parameters).fetchone()
    if found is None:
        raise FlowReplacedError(f"The flow {key} is carried by somebody else since.")
    return found


def end(
    connection: psycopg.Connection,
    key: FlowKey,
    epoch: int,
    state: FlowState,
    *,
    code: str | None = None,
    error: str | None = None,
) -> None:
    """Let go of the flow; of somebody else's it changes nothing."""
    connection.execute(_END, {**key.parameters, "epoch": epoch, "state": state, "code": code, "error": error})


def _known(flow: Flow | None, key: FlowKey) -> Flow:
    if flow is None:
        raise FlowUnknownError(f"The flow {key} was never started.")
    return flow
