"""Kept messages hold addresses and spent links: after a month they go."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import text

from caravan.core.database import Role, WriteSession
from caravan.core.outbox import Event, handler
from caravan.core.schedules import schedule

__all__ = ["purge_kept_messages"]

_KEPT: Final = timedelta(days=30)
_BATCH: Final = 10_000
_DUE: Final = "messages.retention_due"
_OLD = text(
    "DELETE FROM kept_messages WHERE (org_id, id) IN (SELECT org_id, id FROM kept_messages"
    " WHERE created_at < now() - CAST(:age AS interval) LIMIT :batch FOR UPDATE SKIP LOCKED)"
)

schedule("kept messages", every=timedelta(hours=24), event=_DUE)


@handler(_DUE, name="purge kept messages", role=Role.SYSTEM)
async def purge_kept_messages(session: WriteSession, event: Event) -> None:  # noqa: ARG001 - the clock is all it says
    """Remove messages of every tenant that were kept for 30 days."""
    removed = _BATCH
    while removed == _BATCH:
        result: Any = await session.execute(_OLD, {"age": _KEPT, "batch": _BATCH})
        removed = result.rowcount
