"""The bytes of quarantined records are kept for a while only; why they were refused is kept.

The clock of a record starts when it was first put away, and a later load of the same record does not restart it.
"""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, update

from caravan.core.database import Database, DatabaseAddress, Role, WriteSession
from caravan.migration.load.models import QuarantinedRecord

__all__ = ["forget_originals", "purge"]


async def forget_originals(session: WriteSession, *, days: int, now: datetime) -> int:
    """Remove the bytes of records first quarantined more than ``days`` before ``now``; returns how many."""
    kept = QuarantinedRecord
    statement = (
        update(kept)
        .where(kept.sealed.is_not(None), kept.created_at < now - timedelta(days=days))
        .values(sealed=None, purged_at=now)
        .execution_options(synchronize_session=False)
    )
    done = await session.execute(statement)
    return done.rowcount if isinstance(done, CursorResult) else 0


def purge(address: DatabaseAddress, *, days: int, now: datetime) -> int:
    """Do the same at once, over all organisations; called outside of any event loop."""

    async def inside() -> int:
        system = Database(address, role=Role.SYSTEM, pool=1, read_pool=1, application="caravan quarantine")
        try:
            async with system.write() as session:
                return await forget_originals(session, days=days, now=now)
        finally:
            await system.close()

    return asyncio.run(inside())
