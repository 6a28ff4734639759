"""Signs of life in the database, where readiness and the supervisor see them."""

from datetime import datetime
from typing import cast

from sqlalchemy import text

from caravan.core.database import AnySession, WriteSession

__all__ = ["beat", "forget_old_beats", "last_beats", "record_passage", "server_time"]

_BEAT = text(
    "INSERT INTO heartbeats (kind, name, process, seen_at, sleeping)"
    " VALUES (:kind, :name, :process, clock_timestamp(), :sleeping)"
    " ON CONFLICT (kind, name, process) DO UPDATE SET seen_at = excluded.seen_at, sleeping = excluded.sleeping"
)
_PASSED = text(
    "INSERT INTO heartbeats (kind, name, process, seen_at) VALUES ('passed', :queue, '', CAST(:sent AS timestamptz))"
    " ON CONFLICT (kind, name, process) DO UPDATE SET seen_at = greatest(heartbeats.seen_at, excluded.seen_at)"
)
_NOW = text("SELECT clock_timestamp()")
_LAST = text("SELECT kind, name, max(seen_at) FROM heartbeats GROUP BY kind, name")
_FORGET = text("DELETE FROM heartbeats WHERE seen_at < now() - interval '1 day'")


async def beat(session: WriteSession, kind: str, name: str, process: str, *, sleeping: bool = False) -> None:
    """Record that this part lives: ``kind`` is "queue", "relay", "ping", "schedules" or "sealer"."""
    await session.execute(_BEAT, {"kind": kind, "name": name, "process": process, "sleeping": sleeping})


async def record_passage(session: WriteSession, queue: str, sent: datetime) -> None:
    """Record that a task sent at this moment came through its queue: what was sent before it came too, or is lost."""
    await session.execute(_PASSED, {"queue": queue, "sent": sent})


async def server_time(session: AnySession) -> datetime:
    """Return the database's clock, the one that all machines share."""
    return cast("datetime", await session.scalar(_NOW))


async def last_beats(session: AnySession) -> dict[tuple[str, str], datetime]:
    """Return when each (kind, name) was last seen, on any machine."""
    return {(kind, name): seen for kind, name, seen in await session.execute(_LAST)}


async def forget_old_beats(session: WriteSession) -> None:
    """Remove processes that were not seen for a day."""
    await session.execute(_FORGET)
