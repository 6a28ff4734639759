"""A broken unique constraint, told as what it means."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy.exc import IntegrityError

from caravan.core.database import WriteSession
from caravan.core.errors import CaravanError

__all__ = ["conflicts"]


@asynccontextmanager
async def conflicts(session: WriteSession, meanings: Mapping[str, CaravanError]) -> AsyncIterator[None]:
    """Flush what the block adds, inside a savepoint; raise the error that ``meanings`` has for a broken constraint."""
    try:
        async with session.begin_nested():
            yield
            await session.flush()
    except IntegrityError as error:
        cause = error.orig.__cause__ if error.orig is not None else None
        meaning = meanings.get(str(getattr(cause, "constraint_name", "")))
        if meaning is None:
            raise
        raise meaning from None
