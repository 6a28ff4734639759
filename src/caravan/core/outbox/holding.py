"""Events behind a parked one are held until somebody decides: their number must not slow the relay of all others.

A held event is ``new`` and due at infinity, which keeps it out of the index of what may be sent. Who holds reads the
parked event FOR SHARE, who decides changes it first: so no event is held behind a decision that was made meanwhile.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from caravan.core.database import WriteSession

__all__ = ["hold", "release"]

_LOOKED_AT: Final = 10_000
"""How many events are looked at in one go; the next go begins behind those that were held."""

_ALONE = text("SELECT pg_try_advisory_xact_lock(1869640833)")
_HOLD = text(
    "WITH looked AS MATERIALIZED (SELECT id, org_id, key, seq FROM outbox"
    " WHERE state = 'new' AND due_at < 'infinity' ORDER BY seq LIMIT :most),"
    " firsts AS MATERIALIZED (SELECT (SELECT f.id FROM outbox f WHERE f.org_id = k.org_id AND f.key = k.key"
    " AND f.key IS NOT NULL AND f.state IN ('new', 'relayed', 'parked') ORDER BY f.seq LIMIT 1) AS id"
    " FROM (SELECT DISTINCT org_id, key FROM looked WHERE key IS NOT NULL) k),"
    " blocking AS MATERIALIZED (SELECT p.org_id, p.key, p.seq FROM outbox p WHERE p.id IN (SELECT id FROM firsts)"
    " AND p.state = 'parked' FOR SHARE OF p SKIP LOCKED)"
    " UPDATE outbox o SET due_at = 'infinity' FROM looked l JOIN blocking b ON b.org_id = l.org_id AND b.key = l.key"
    " WHERE o.id = l.id AND o.state = 'new' AND l.seq > b.seq"
)
_PARKED = text("SELECT EXISTS (SELECT FROM outbox WHERE state = 'parked' AND key IS NOT NULL)")
_RELEASE = text(
    "UPDATE outbox o SET due_at = now() FROM outbox p WHERE p.id = :id AND o.org_id = p.org_id AND o.key = p.key"
    " AND o.key IS NOT NULL AND o.state = 'new' AND o.due_at = 'infinity'"
)


async def hold(session: WriteSession) -> None:
    """Hold what waits behind parked events; one relay at a time, the others leave it to that one."""
    if await session.scalar(_PARKED) and await session.scalar(_ALONE):
        await session.execute(_HOLD, {"most": _LOOKED_AT})


async def release(session: WriteSession, event: UUID) -> None:
    """Let go what was held behind an event that has just been decided on, in the decision's transaction."""
    await session.execute(_RELEASE, {"id": event})
