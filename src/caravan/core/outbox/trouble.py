"""What a loop of the background waits out: a database or broker that is away for a while."""

from typing import Final

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

__all__ = ["TROUBLE", "BrokerError", "in_short"]


class BrokerError(Exception):
    """The broker refused or was not there; the rows are still new."""


TROUBLE: Final = (
    OSError,
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection cut in the middle of an exchange
    BrokerError,
)


def in_short(error: Exception) -> str:
    """Return the first line of what an error says, or its name when it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
