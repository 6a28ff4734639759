"""Handling one event: each handler's effect and inbox row in one transaction, the last one makes it done."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import structlog
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError

from caravan.core.database import Database, Role, WriteSession
from caravan.core.outbox.errors import ParkError
from caravan.core.outbox.events import SYSTEM_WIDE, Event, EventRef
from caravan.core.outbox.policy import Policy
from caravan.core.outbox.registry import Handler, handlers_of
from caravan.core.outbox.spans import handling_span
from caravan.core.outbox.wake import WAKE_WHEN

__all__ = ["Connections", "Outcome", "handle"]

log = structlog.get_logger(__name__)

_LOCK_NOT_AVAILABLE: Final = "55P03"
_REASON_LENGTH: Final = 2000

# The commit need not wait for the disk: a crash of the server that takes it takes the effects with it, and the event,
# whose writing did wait, is relayed again.
_TAKE = text(
    "SELECT o.*, array(SELECT handler FROM inbox i WHERE i.org_id = o.org_id AND i.event_id = o.id) AS handled,"
    " set_config('synchronous_commit', 'off', true)"
    " FROM outbox o WHERE org_id = :org AND id = :id AND state IN ('new', 'relayed') FOR NO KEY UPDATE OF o"
)
_HANDLED = text("INSERT INTO inbox (org_id, event_id, handler) VALUES (:org, :id, :handler)")
_MARK_DONE: Final = (
    "done AS (UPDATE outbox SET state = 'done', done_at = now(), reason = NULL"  # noqa: S608 - constants
    " WHERE org_id = :org AND id = :id AND state IN ('new', 'relayed')) " + WAKE_WHEN
)
_DONE = text("WITH " + _MARK_DONE)
_HANDLED_AND_DONE = text(
    "WITH handled AS (INSERT INTO inbox (org_id, event_id, handler) VALUES (:org, :id, :handler)), "  # noqa: S608
    + _MARK_DONE
)
_FAILURES = text("SELECT failures FROM outbox WHERE org_id = :org AND id = :id FOR NO KEY UPDATE")
_FAILED = text(
    "UPDATE outbox SET failures = failures + 1, reason = :reason, due_at = now() + CAST(:pause AS interval),"
    " state = CASE WHEN :park OR failures + 1 >= :most THEN 'parked' ELSE 'new' END"
    " WHERE org_id = :org AND id = :id AND state IN ('new', 'relayed') RETURNING state"
)


class Outcome(StrEnum):
    DONE = "done"
    BUSY = "busy"
    SETTLED = "settled"
    FAILED = "failed"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Connections:
    """The two databases of a worker process: bound to a tenant, and seeing all."""

    app: Database
    system: Database

    def of(self, role: Role) -> Database:
        return self.system if role is Role.SYSTEM else self.app

    async def close(self) -> None:
        await self.app.close()
        await self.system.close()


class _SettledError(Exception):
    """The event is done, parked, dropped, or was never committed."""


class _BusyError(Exception):
    """Another process has the event in hand."""


async def handle(connections: Connections, ref: EventRef, policy: Policy) -> Outcome:
    """Run the handlers of one event that have not run yet; safe to call any number of times, at the same time.

    BUSY: another process has it. SETTLED: nothing left to do. FAILED: tried again after a pause. PARKED: given up.
    """
    handlers = handlers_of(ref.name)
    try:
        for entry in handlers:
            database = connections.of(entry.role)
            async with asyncio.timeout(policy.handler_timeout), database.write(ref.org) as session:
                await _run_one(session, entry, ref, handlers)
        if not handlers:
            async with connections.app.write(ref.org) as session:
                await _finish(session, await _take(session, ref))
    except _SettledError:
        return Outcome.SETTLED
    except _BusyError:
        return Outcome.BUSY
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is a failed attempt
        return await _fail(connections.app, ref, error, policy)
    return Outcome.DONE


async def _run_one(session: WriteSession, entry: Handler, ref: EventRef, handlers: Sequence[Handler]) -> None:
    row = await _take(session, ref)
    if entry.name in row.handled:
        return
    with _bound(row), handling_span(row, entry.name):
        await entry.function(session, _event(row))
        await session.flush()
    handled = {"org": ref.org, "id": ref.id, "handler": entry.name}
    if {each.name for each in handlers} <= {*row.handled, entry.name}:
        await session.execute(_HANDLED_AND_DONE, {**handled, "wake": row.key is not None})
    else:
        await session.execute(_HANDLED, handled)


async def _take(session: WriteSession, ref: EventRef) -> Row[Any]:
    try:
        row = (await session.execute(_TAKE, {"org": ref.org, "id": ref.id})).one_or_none()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise _BusyError from error
        raise
    if row is None:
        raise _SettledError
    return row


async def _finish(session: WriteSession, row: Row[Any]) -> None:
    await session.execute(_DONE, {"org": row.org_id, "id": row.id, "wake": row.key is not None})


async def _fail(database: Database, ref: EventRef, error: Exception, policy: Policy) -> Outcome:
    place = {"org": ref.org, "id": ref.id}
    reason = f"{type(error).__name__}: {error}"[:_REASON_LENGTH].replace("\x00", "")
    async with database.write(ref.org) as session:
        failures = 1 + (await session.scalar(_FAILURES, place) or 0)
        values = {
            "reason": reason,
            "pause": policy.pause(failures),
            "park": isinstance(error, ParkError),
            "most": policy.max_failures,
        }
        state = await session.scalar(_FAILED, place | values)
    log.warning(
        "event.failed",
        event_name=ref.name,
        event_id=str(ref.id),
        org=str(ref.org),
        state=state,
        failures=failures,
        reason=reason,
        exc_info=error,
    )
    return Outcome.PARKED if state == "parked" else Outcome.FAILED


@contextmanager
def _bound(row: Row[Any]) -> Iterator[None]:
    """Put the event's origin into every log line, and into the events that its handlers write."""
    values = {"event_name": row.name, "event_id": str(row.id), "org": str(row.org_id)}
    values |= {"request_id": row.request_id} if row.request_id else {}
    values |= {"traceparent": row.trace} if row.trace else {}
    with structlog.contextvars.bound_contextvars(**values):
        yield


def _event(row: Row[Any]) -> Event:
    return Event(
        id=row.id,
        name=row.name,
        payload=row.payload,
        org=None if row.org_id == SYSTEM_WIDE else row.org_id,
        client=row.client_id,
        project=row.project_id,
        principal=row.principal,
        key=row.key,
        request_id=row.request_id,
        trace=row.trace,
        created_at=row.created_at,
        attempt=row.failures + 1,
    )
