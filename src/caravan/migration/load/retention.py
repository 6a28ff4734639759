"""The daily end of quarantined bytes past their retention. A worker imports this: it registers the handler."""

from caravan.core.clock import utc_now
from caravan.core.database import Role, WriteSession
from caravan.core.outbox import Event, current_settings, handler
from caravan.migration.load.purging import forget_originals

__all__ = ["forget_on_time"]


@handler("quarantine.retention_due", name="purge quarantine", role=Role.SYSTEM)
async def forget_on_time(session: WriteSession, event: Event) -> None:  # noqa: ARG001 - the clock is all it says
    """Remove the bytes; what was refused and why stays."""
    await forget_originals(session, days=current_settings().quarantine_days, now=utc_now())
