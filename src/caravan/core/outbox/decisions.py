"""Parked events: listing them, and deciding."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, text

from caravan.core.database import AnySession, WriteSession
from caravan.core.outbox.errors import NotParkedError
from caravan.core.outbox.events import SYSTEM_WIDE
from caravan.core.outbox.holding import release
from caravan.core.outbox.wake import WAKE

__all__ = ["Parked", "drop", "parked", "retry"]

_PARKED = text(
    "SELECT id, org_id, name, key, reason, failures, created_at,"
    " (SELECT count(*) FROM outbox n WHERE n.org_id = o.org_id AND n.key = o.key AND n.key IS NOT NULL"
    "  AND n.state IN ('new', 'relayed') AND n.seq > o.seq) AS waiting"
    " FROM outbox o WHERE state = 'parked' ORDER BY seq LIMIT :limit"
)
_RETRY = text(
    "UPDATE outbox SET state = 'new', failures = 0, relays = 0, due_at = now()"
    " WHERE id = :id AND state = 'parked' RETURNING id"
)
_DROP = text(
    "UPDATE outbox SET state = 'dropped', done_at = now() WHERE id = :id AND state = 'parked' RETURNING id"
)


@dataclass(frozen=True, slots=True)
class Parked:
    """An event given up; ``waiting`` events of its key stand behind it."""

    id: UUID
    org: UUID | None
    name: str
    key: str | None
    reason: str
    failures: int
    created_at: datetime
    waiting: int


async def parked(session: AnySession, *, limit: int = 100) -> Sequence[Parked]:
    """Return the parked events that this session may see, oldest first."""
    rows = await session.execute(_PARKED, {"limit": limit})
    return [
        Parked(
            id=row.id,
            org=None if row.org_id == SYSTEM_WIDE else row.org_id,
            name=row.name,
            key=row.key,
            reason=row.reason or "",
            failures=row.failures,
            created_at=row.created_at,
            waiting=row.waiting,
        )
        for row in rows
    ]


async def retry(session: WriteSession, event: UUID) -> None:
    """Have a parked event handled again, its attempts counted anew; raises ``NotParkedError``."""
    await _decide(session, _RETRY, event)


async def drop(session: WriteSession, event: UUID) -> None:
    """Give a parked event up for good, so that the next of its key can go on; raises ``NotParkedError``."""
    await _decide(session, _DROP, event)


async def _decide(session: WriteSession, decision: TextClause, event: UUID) -> None:
    if await session.scalar(decision, {"id": event}) is None:
        raise NotParkedError(f"The event {event} is not parked.", event=str(event))
    await release(session, event)
    await session.execute(text(WAKE))
