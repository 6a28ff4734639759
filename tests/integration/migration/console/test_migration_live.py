"""A page hears of changes, for as long as its reader stays and may look."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.types import Message

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.http.event_stream import EventStream, WatchersBusyError

pytestmark = pytest.mark.asyncio
_PATIENCE = 10


class Reader:
    """An ASGI client of one stream; ``left`` is set when it goes."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.text: list[str] = []
        self.heard = asyncio.Event()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self.text.append(message["body"].decode())
            self.heard.set()

    async def until(self, text: str) -> None:
        async with asyncio.timeout(_PATIENCE):
            while text not in "".join(self.text):
                self.heard.clear()
                await self.heard.wait()


@pytest_asyncio.fixture(loop_scope="session")
async def database(module_database: DatabaseAddress) -> AsyncIterator[Database]:
    opened = Database(module_database, role=Role.SYSTEM, pool=1, read_pool=1)
    yield opened
    await opened.close()


async def test_a_change_is_told_once_and_the_stream_ends_with_the_session(database: Database) -> None:
    marks, allowed, reader = ["1"], [True], Reader()

    async def mark() -> str:
        return marks[0]

    async def still() -> bool:
        return allowed[0]

    stream = EventStream(database, mark, still, pause=0.001)
    running = asyncio.create_task(stream({"type": "http"}, reader.receive, reader.send))
    await reader.until("event: watching\ndata: 1")
    marks[0] = "2"
    await reader.until("event: changed\ndata: 2")
    assert "".join(reader.text).count("changed") == 1
    allowed[0] = False
    async with asyncio.timeout(_PATIENCE):
        await running


async def test_a_stream_ends_when_its_reader_leaves_and_only_so_many_run(database: Database) -> None:
    async def mark() -> str:
        return "1"

    async def still() -> bool:
        return True

    readers = [Reader() for _ in range(33)]
    running = [
        asyncio.create_task(
            EventStream(database, mark, still, pause=0.01)({"type": "http"}, one.receive, one.send)
        )
        for one in readers[:32]
    ]
    for one in readers[:32]:
        await one.until("watching")
    last = readers[32]
    stream = EventStream(database, mark, still)
    with pytest.raises(WatchersBusyError):
        await stream({"type": "http"}, last.receive, last.send)
    for one in readers:
        one.left.set()
    async with asyncio.timeout(_PATIENCE):
        await asyncio.gather(*running)
    async with asyncio.timeout(_PATIENCE):
        await EventStream(database, mark, still)({"type": "http"}, last.receive, last.send)
