"""What is swept by the clock: old idempotency keys, finished events, quarantine past its time."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import TextClause, text

from caravan.core.database import Role, WriteSession
from caravan.core.outbox import Event, current_settings, handler
from caravan.core.outbox.heartbeats import forget_old_beats
from caravan.core.schedules.registry import schedule

__all__ = ["purge_finished_events", "purge_idempotency_keys"]

_FINISHED_EVENTS_KEPT: Final = timedelta(days=7)
_BATCH: Final = 10_000

_OLD_KEYS = text(
    "WITH old AS (SELECT principal, method, path, key FROM idempotency_keys"
    " WHERE created_at < now() - CAST(:age AS interval) ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED)"
    " DELETE FROM idempotency_keys k USING old WHERE (k.principal, k.method, k.path, k.key)"
    " = (old.principal, old.method, old.path, old.key)"
)
_OLD_EVENTS = text(
    "WITH old AS (DELETE FROM outbox WHERE (org_id, id) IN (SELECT org_id, id FROM outbox"
    " WHERE done_at < now() - CAST(:age AS interval) ORDER BY done_at LIMIT :batch FOR UPDATE SKIP LOCKED) RETURNING org_id, id),"
    " marks AS (DELETE FROM inbox USING old WHERE inbox.org_id = old.org_id AND event_id = old.id)"
    " SELECT count(*) FROM old"
)
_OLD_SLOTS = text("DELETE FROM scheduled_runs WHERE due_at < now() - interval '400 days'")

schedule("idempotency keys", every=timedelta(minutes=30), event="idempotency.purge_due")
schedule("finished events", every=timedelta(hours=1), event="outbox.purge_due")
schedule("quarantine", every=timedelta(hours=24), event="quarantine.retention_due")


@handler("idempotency.purge_due", name="purge idempotency keys", role=Role.SYSTEM)
async def purge_idempotency_keys(session: WriteSession, event: Event) -> None:  # noqa: ARG001 - the clock is all it says
    """Remove keys older than the setting."""
    await _in_batches(session, _OLD_KEYS, timedelta(hours=current_settings().idempotency_hours))


@handler("outbox.purge_due", name="purge finished events", role=Role.SYSTEM)
async def purge_finished_events(session: WriteSession, event: Event) -> None:  # noqa: ARG001 - the clock is all it says
    """Remove events that were done or dropped a week ago, their inbox rows, and old signs of life."""
    await _in_batches(session, _OLD_EVENTS, _FINISHED_EVENTS_KEPT)
    await session.execute(_OLD_SLOTS)
    await forget_old_beats(session)


async def _in_batches(session: WriteSession, statement: TextClause, age: timedelta) -> None:
    removed = _BATCH
    while removed == _BATCH:
        result: Any = await session.execute(statement, {"age": age, "batch": _BATCH})
        removed = result.scalar_one() if result.returns_rows else result.rowcount
