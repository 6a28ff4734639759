"""Revocation reaches every process: said in the revoking transaction, heard when it commits."""

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import func, select

from caravan.core.database import Database, WriteSession

__all__ = ["CHANNEL", "announce", "watch_revocations"]

CHANNEL: Final = "caravan_revoked"
_PROBE_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


async def announce(session: WriteSession, *references: UUID) -> None:
    """Tell all processes to forget what they remember of these sessions, API keys or users, once this commits."""
    for reference in references:
        await session.execute(select(func.pg_notify(CHANNEL, str(reference))))


async def watch_revocations(
    database: Database,
    callback: Callable[[UUID | None], None],
    *,
    probe_seconds: float = _PROBE_SECONDS,
    pause_seconds: float = _PAUSE_SECONDS,
) -> None:
    """Listen until cancelled; ``callback`` gets each revoked id.

    It gets None whenever listening begins (again): what was said before was not heard, so everything is to be
    forgotten. The line is probed, for a broken one does not always say so.
    """
    while True:
        try:
            await _listen(database, callback, probe_seconds)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            log.warning("identity.revocations_line_broken", error=str(error))
        await asyncio.sleep(pause_seconds)


async def _listen(database: Database, callback: Callable[[UUID | None], None], probe_seconds: float) -> None:
    settings = {"role": str(database.role), "application_name": "caravan revocations"}
    connection = await asyncpg.connect(database.address.url, server_settings=settings, timeout=10)
    closed = asyncio.Event()

    def heard(_connection: object, _pid: int, _channel: str, payload: str) -> None:
        try:
            callback(UUID(payload))
        except ValueError:
            log.warning("identity.revocation_unreadable", payload=payload)

    try:
        connection.add_termination_listener(lambda _connection: closed.set())
        await connection.add_listener(CHANNEL, heard)
        callback(None)
        while not closed.is_set():
            try:
                await asyncio.wait_for(closed.wait(), probe_seconds)
            except TimeoutError:
                await connection.execute("SELECT 1", timeout=10)
    finally:
        connection.terminate()
