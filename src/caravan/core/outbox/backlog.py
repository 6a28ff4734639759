"""How much waits: for metrics and readiness."""

from dataclasses import dataclass

from sqlalchemy import text

from caravan.core.database import AnySession

__all__ = ["Backlog", "backlog"]

_COUNT = text(
    "SELECT count(*) FILTER (WHERE state = 'new') AS new, count(*) FILTER (WHERE state = 'relayed') AS relayed,"
    " count(*) FILTER (WHERE state = 'parked') AS parked,"
    " coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE state IN ('new', 'relayed'))), 0)"
    " AS oldest FROM outbox WHERE state = 'new' OR state = 'relayed' OR state = 'parked'"
)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Events by state, and the age in seconds of the oldest that is neither done nor parked."""

    new: int
    relayed: int
    parked: int
    oldest_seconds: float


async def backlog(session: AnySession) -> Backlog:
    """Count what this session may see; in the system's role, everything."""
    row = (await session.execute(_COUNT)).one()
    return Backlog(row.new, row.relayed, row.parked, float(row.oldest))
