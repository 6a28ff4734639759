"""Failures that are nobody's fault: the database is away, full or busy. The caller may try again."""

from collections.abc import Mapping
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from caravan.core.errors import CaravanError

__all__ = ["ServiceUnavailableError", "as_outage"]

_AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    ConnectionError,
    FileNotFoundError,  # the socket of a server that is being started again
    PoolTimeoutError,
)


class ServiceUnavailableError(CaravanError):
    code = "service_unavailable"
    status = 503
    title = "The database cannot be reached right now"
    fix = "Try again after the seconds that Retry-After names; /readyz says what is missing."

    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": "2"}


def as_outage(error: BaseException) -> ServiceUnavailableError | None:
    """Return what to answer when this failure is an outage of the database, else None."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, _AWAY) or (isinstance(seen, DBAPIError) and seen.connection_invalidated):
            return ServiceUnavailableError()
        seen = seen.__cause__
    return None
