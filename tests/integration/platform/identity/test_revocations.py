"""A revocation is heard by every process when it commits, and a broken line is noticed."""

import asyncio
from collections.abc import AsyncIterator
from unittest.mock import patch
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from caravan.platform.identity.log_out import log_out
from caravan.platform.identity.revocations import CHANNEL, announce, watch_revocations
from tests.integration.platform.identity.conftest import World

pytestmark = pytest.mark.asyncio


class Heard:
    """What a listener was told, in order."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[UUID | None] = asyncio.Queue()

    async def next(self) -> UUID | None:
        async with asyncio.timeout(40):
            return await self.said.get()


@pytest_asyncio.fixture(loop_scope="session")
async def heard(world: World) -> AsyncIterator[Heard]:
    listener = Heard()
    watching = asyncio.create_task(
        watch_revocations(world.database, listener.said.put_nowait, probe_seconds=0.05, pause_seconds=0.01)
    )
    assert await listener.next() is None
    yield listener
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_a_log_out_is_heard(world: World, heard: Heard) -> None:
    issued = await world.log_in(await world.person())
    caller = await world.principal(issued)
    async with world.identity.system.write() as session:
        await log_out(session, caller, refresh_token=None, now=world.clock())
    while await heard.next() != issued.session:
        pass  # people who became members just before are announced too


async def test_what_rolls_back_is_not_heard(world: World, heard: Heard) -> None:
    first, second = uuid4(), uuid4()

    async def fail() -> None:
        async with world.identity.system.write() as session:
            await announce(session, first)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with world.identity.system.write() as session:
        await announce(session, second)
    said = await heard.next()
    while said != second:
        assert said != first
        said = await heard.next()


async def test_noise_on_the_line_is_ignored_and_probes_keep_it_open(world: World, heard: Heard) -> None:
    person = (await world.person()).id
    await world.change(f"SELECT pg_notify('{CHANNEL}', 'noise')")
    await asyncio.sleep(0.15)
    async with world.identity.system.write() as session:
        await announce(session, person)
    while await heard.next() != person:
        pass


async def test_after_a_broken_line_everything_is_forgotten(world: World, heard: Heard) -> None:
    while not heard.said.empty():
        heard.said.get_nowait()
    ended = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name = 'caravan revocations' AND datname = current_database()"
    )
    await terminate(world, ended)
    said = await heard.next()
    while said is not None:
        said = await heard.next()


async def test_a_server_that_is_away_is_asked_again(world: World) -> None:
    asked = asyncio.Semaphore(0)

    async def refuse(*_: object, **__: object) -> None:
        asked.release()
        raise ConnectionRefusedError

    with patch.object(asyncpg, "connect", refuse):
        said: list[UUID | None] = []
        watching = asyncio.create_task(watch_revocations(world.database, said.append, pause_seconds=0))
        async with asyncio.timeout(40):
            for _ in range(3):
                await asked.acquire()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert said == []


async def terminate(world: World, statement: str) -> None:
    connection = await asyncpg.connect(world.database.address.url)
    try:
        assert await connection.fetchval(statement) >= 1  # that of the test before may be ending still
    finally:
        await connection.close()
