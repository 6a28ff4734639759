"""How a flow begins, and how it is given up: capture, flow, and what a load has done before."""

from dataclasses import replace
from typing import Final

import psycopg

from caravan.migration.load.journal import open_journal
from caravan.migration.sync.errors import FlowHeldError, FlowUnknownError
from caravan.migration.sync.flow_rows import Flow, create_flow, find_flow
from caravan.migration.sync.holding import open_connection
from caravan.migration.sync.runners import FlowSetting
from caravan.migration.sync.waiting import ask_to_run

__all__ = ["begin", "release"]

_STALE: Final = "UPDATE engine.ledger SET stale = true WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = ANY(%(names)s)"
_PLACES: Final = "DELETE FROM engine.applied WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = ANY(%(names)s)"
_FOREIGN: Final = (
    "DELETE FROM engine.foreign_writes WHERE org_id = %(org)s AND migration = %(migration)s AND source = %(source)s"
    " AND direction = %(direction)s"
)
_FLOW: Final = (
    "DELETE FROM engine.flows WHERE org_id = %(org)s AND migration = %(migration)s AND source = %(source)s"
    " AND direction = %(direction)s"
)
_LOCK: Final = (
    "SELECT pg_try_advisory_lock(hashtextextended('caravan flow ' || %(org)s::text || %(migration)s || ' ' || %(source)s"
    " || ' ' || %(direction)s, 0))"
)


def begin(setting: FlowSetting) -> Flow:
    """Return the flow, begun when it never was; one that was asked to stop may run again.

    What was loaded before the capture began may have changed in between: its chunks are loaded again by the next load, which
    must not run now. A forward flow applies from the start, a reverse one watches until the cutover starts it.

    Raises:
        FlowUnknownError: changes are to be written back to a store that nobody follows: what others write there would not be seen.
        LoadRunningError: a load is under way, whose snapshot was taken before.
        CaptureRefusedError, CaptureStoppedError: the source does not let itself be followed.
    """
    connection = open_connection(setting.database)
    try:
        found = find_flow(connection, setting.key)
        if found is None:
            found = _begun(connection, setting)
        ask_to_run(connection, setting.key)
        return found
    finally:
        connection.close()


def _begun(connection: psycopg.Connection, setting: FlowSetting) -> Flow:
    key = setting.key
    forward = key.direction == "forward"
    if not forward and find_flow(connection, replace(key, direction="forward")) is None:
        raise FlowUnknownError(
            f"The source {key.source} is not followed yet; run `caravan sync run` without --direction first."
        )
    with open_journal(setting.database, key.org_id, key.migration):
        position = setting.capture.prepare()
        with connection.transaction():
            if forward:
                names = {**key.parameters, "names": [each.name for each in setting.own]}
                connection.execute(_STALE, names)
                connection.execute(_PLACES, names)
            return create_flow(connection, key, position, mode="apply" if forward else "watch")


def release(setting: FlowSetting) -> None:
    """Give the flow up: the source keeps nothing for it, and the places of rows are forgotten. Its rows stay.

    Raises:
        FlowHeldError: a process carries it.
    """
    connection = open_connection(setting.database)
    try:
        key = setting.key
        locked = connection.execute(_LOCK, key.parameters).fetchone()
        if locked is None or not locked[0]:
            raise FlowHeldError(f"A process carries the flow {key}.")
        setting.capture.remove()
        with connection.transaction():
            if key.direction == "forward":
                names = {**key.parameters, "names": [each.name for each in setting.own]}
                connection.execute(_PLACES, names)
            connection.execute(_FOREIGN, key.parameters)
            connection.execute(_FLOW, key.parameters)
    finally:
        connection.close()
