"""What jobs printed is removed when it is old; jobs stay, and say that their log is gone.

The process that runs jobs does it, not a schedule of the outbox: the deduper's worker runs alone, without one.
"""

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Final

import structlog

from caravan.core.clock import Clock, utc_now
from caravan.core.database import Database
from caravan.core.outbox import TROUBLE, in_short

__all__ = ["remove_old_output", "remove_old_output_until"]

log = structlog.get_logger(__name__)

_EVERY: Final = 3600.0
_BATCH: Final = 500

# A job that runs for longer than that keeps what it printed; it counts from its end.
_REMOVE: Final = """
WITH due AS (
    SELECT j.org_id, j.id FROM jobs j
    WHERE j.ended_at < $1 AND (j.org_id, j.id) IN (
        SELECT o.org_id, o.job_id FROM job_output o
        WHERE o.position >= 0 AND o.written_at < $1
    ) ORDER BY j.ended_at LIMIT $2
), gone AS (
    DELETE FROM job_output o USING due WHERE o.org_id = due.org_id AND o.job_id = due.id AND o.position >= 0
), told AS (
    INSERT INTO job_output (org_id, job_id, position, stream, content)
    SELECT org_id, id, -1, 'removed', '' FROM due ON CONFLICT DO NOTHING
) SELECT count(*) FROM due
"""


async def remove_old_output(database: Database, before: datetime) -> int:
    """Remove what jobs printed that had ended by then; returns of how many. ``database`` is in the system's role."""
    removed, batch = 0, _BATCH
    while batch == _BATCH:
        batch = await database.fetch_value(_REMOVE, before, _BATCH)
        removed += batch
    return removed


async def remove_old_output_until(
    stop: asyncio.Event, database: Database, days: int, clock: Clock = utc_now
) -> None:
    """Do it now and every hour until told to stop; a lost database is waited for."""
    while not stop.is_set():
        try:
            if removed := await remove_old_output(database, clock() - timedelta(days=days)):
                log.info("jobs.output_removed", jobs=removed, days=days)
        except TROUBLE as error:
            log.warning("jobs.output_not_removed", reason=in_short(error))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_EVERY):
                await stop.wait()
