"""Rows copied out as CSV by PostgreSQL itself, in a read transaction of their own."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from caravan.core.database.sessions import Database

__all__ = ["Sink", "copy_csv"]

log = structlog.get_logger(__name__)

Sink = Callable[[bytes], Awaitable[None]]

_LONGEST: Final = 600
"""Seconds that one stream may take, reader included."""
_CLOSING: Final = 2.0


async def copy_csv(database: Database, org: UUID, statement: str, *arguments: object, sink: Sink) -> None:
    """Send every row of ``statement`` to ``sink`` as RFC 4180 with a header line, as fast as ``sink`` takes it.

    ``statement`` is a constant, or comes from a function of ours; its values are ``arguments``. One snapshot
    (REPEATABLE READ), read-only, bound to the tenant. The connection is closed whatever happens.
    """
    connection = await database.connect(statement_timeout=_LONGEST)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("SELECT set_config('caravan.org', $1, true)", str(org))
            await connection.copy_from_query(
                statement, *arguments, output=sink, format="csv", header=True, timeout=_LONGEST
            )
    finally:
        await _close(connection)


async def _close(connection: asyncpg.Connection) -> None:
    """Close even while the caller is being cancelled: cut the line when the server does not part at once."""
    try:
        await connection.close(timeout=_CLOSING)
    except Exception:  # noqa: BLE001 - whatever it was, the connection must not stay
        log.info("stream.connection_cut")
        connection.terminate()
