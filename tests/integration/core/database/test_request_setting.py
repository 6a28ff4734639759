"""Triggers of a probe can tell which request writes: the transaction carries its id, method and path."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text

from caravan.core.database import Database, DatabaseAddress
from caravan.core.http.context import RequestContext, request_context

ASKED = text("SELECT current_setting('caravan.request', true)")


@pytest.mark.parametrize(
    ("path", "said"), [("/orders", "r-1 POST /orders"), ("/é \0\ud800x", "r-1 POST /é ?x")]
)
def test_a_write_carries_the_request_in_hand_and_no_other(
    module_database: DatabaseAddress, path: str, said: str
) -> None:
    async def inside() -> list[str]:
        database = Database(module_database, pool=1)
        found = []
        try:
            token = request_context.set(RequestContext("r-1", "POST", path, "127.0.0.1", 0.0))
            async with database.write(uuid4()) as session:
                found.append(await session.scalar(ASKED))
            request_context.reset(token)
            async with database.write(uuid4()) as session:
                found.append(await session.scalar(ASKED))
        finally:
            await database.close()
        return found

    assert asyncio.run(inside()) == [said, ""]
