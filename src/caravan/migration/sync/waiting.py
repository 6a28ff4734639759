"""What the cutover asks of a flow that another process carries: hold exactly at a position, catch up with it, go on, watch."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import psycopg

from caravan.migration.capture.changes import Position
from caravan.migration.sync.errors import CatchUpTimeoutError, FlowFailedError, FlowUnknownError
from caravan.migration.sync.flow_rows import Flow, FlowKey, find_flow
from caravan.migration.sync.flows import FlowMode

__all__ = ["ask_to_run", "ask_to_stop", "catch_up", "hold_at", "let_go", "set_mode"]

_LOOK_EVERY: Final = 0.005
_WHERE: Final = " WHERE org_id = %(org)s AND migration = %(migration)s AND source = %(source)s AND direction = %(direction)s RETURNING 1"


def hold_at(connection: psycopg.Connection, key: FlowKey, to: Position) -> None:
    """Have the flow apply exactly up to ``to`` and then wait; nothing behind it is applied until ``let_go``.

    It may not be further already where exactness matters: fence the source before its position is read.
    """
    _change(connection, key, "UPDATE engine.flows SET stop_number = %(number)s", number=to.number)


def let_go(connection: psycopg.Connection, key: FlowKey) -> None:
    """Let the flow go on behind the position it holds at."""
    _change(connection, key, "UPDATE engine.flows SET stop_number = NULL")


def set_mode(connection: psycopg.Connection, key: FlowKey, mode: FlowMode) -> None:
    """Have the flow apply, or only watch, from its next transaction on."""
    _change(connection, key, "UPDATE engine.flows SET mode = %(mode)s", mode=mode)


def ask_to_stop(connection: psycopg.Connection, key: FlowKey) -> None:
    """Ask the process that carries the flow to end after its commit."""
    _change(connection, key, "UPDATE engine.flows SET wish = 'stop'")


def ask_to_run(connection: psycopg.Connection, key: FlowKey) -> None:
    """Take an earlier wish to end back."""
    _change(connection, key, "UPDATE engine.flows SET wish = 'run'")


def catch_up(
    connection: psycopg.Connection,
    key: FlowKey,
    to: Position,
    deadline: datetime,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Flow:
    """Wait until everything up to ``to`` is applied, and return the flow as it stands then.

    ``connection`` must be in autocommit mode: each look sees what was committed since.

    Raises:
        CatchUpTimeoutError: the deadline has passed.
        FlowFailedError: the flow has ended without reaching it.
        FlowUnknownError: there is no such flow.
    """
    while True:
        flow = find_flow(connection, key)
        if flow is None:
            raise FlowUnknownError(f"The flow {key} was never started.")
        if flow.applied_number >= to.number:
            return flow
        if flow.state == "failed":
            raise FlowFailedError(
                f"The flow {key} ended at {flow.applied_number}: {flow.error}", flow_code=flow.error_code
            )
        if clock() >= deadline:
            raise CatchUpTimeoutError(
                f"The flow {key} is at {flow.applied_number} and was to reach {to.number} ({flow.state})."
            )
        time.sleep(_LOOK_EVERY)


def _change(connection: psycopg.Connection, key: FlowKey, change: str, **values: Any) -> None:  # noqa: ANN401 - SQL values
    if connection.execute((change + _WHERE).encode(), {**key.parameters, **values}).fetchone() is None:
        raise FlowUnknownError(f"The flow {key} was never started.")
