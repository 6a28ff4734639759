"""What is kept for a moment, and when it is asked for again."""

import asyncio

import pytest

from caravan.legacy.deduper.kept import Kept

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Source:
    """Counts how often it is asked; waits where it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 100.0
        self.gate: asyncio.Event | None = None

    async def get(self) -> int:
        self.asked += 1
        number = self.asked
        if self.gate is not None:
            await self.gate.wait()
        return number

    def clock(self) -> float:
        return self.now


async def test_it_asks_once_per_moment() -> None:
    source = Source()
    kept = Kept(source.get, 0.01, source.clock)
    assert [await kept.get(), await kept.get()] == [1, 1]
    source.now += 0.01
    assert await kept.get() == 2


async def test_the_moment_begins_before_it_asks() -> None:
    source = Source()
    kept = Kept(source.get, 0.01, source.clock)
    source.gate = asyncio.Event()
    asking = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    source.now += 0.02
    source.gate.set()
    assert await asking == 1
    assert await kept.get() == 2


async def test_what_is_forgotten_is_asked_again() -> None:
    source = Source()
    kept = Kept(source.get, 0.01, source.clock)
    await kept.get()
    kept.forget()
    assert await kept.get() == 2


async def test_what_was_asked_before_it_was_forgotten_is_not_kept() -> None:
    source = Source()
    kept = Kept(source.get, 0.01, source.clock)
    source.gate = asyncio.Event()
    asking = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    kept.forget()
    source.gate.set()
    assert await asking == 1
    assert await kept.get() == 2


async def test_without_a_moment_it_asks_every_time() -> None:
    source = Source()
    kept = Kept(source.get, 0, source.clock)
    assert [await kept.get(), await kept.get()] == [1, 2]


async def test_it_is_renewed_before_its_time_is_over_and_nobody_waits() -> None:
    source = Source()
    kept = Kept(source.get, 0.01, source.clock)
    await kept.get()
    source.now += 0.003
    assert await kept.get() == 1
    await asyncio.sleep(0)
    assert source.asked == 1
    source.gate = asyncio.Event()
    source.now += 0.002
    assert [await kept.get(), await kept.get()] == [1, 1]
    await asyncio.sleep(0)
    assert source.asked == 2
    source.gate.set()
    await asyncio.sleep(0.01)
    source.now += 0.006  # the first is too old by now, the second is not
    assert await kept.get() == 2


async def test_who_comes_when_its_time_is_over_shares_the_question_under_way() -> None:
    source = Source()
    kept = Kept(source.get, 0.01, source.clock)
    await kept.get()
    source.gate = asyncio.Event()
    source.now += 0.009
    assert await kept.get() == 1
    source.now += 0.002
    waiting = [asyncio.create_task(kept.get()) for _ in range(3)]
    await asyncio.sleep(0)
    source.gate.set()
    assert [await each for each in waiting] == [2, 2, 2]
    assert source.asked == 2


async def test_a_question_that_takes_longer_than_the_moment_is_asked_again() -> None:
    source = Source()
    kept = Kept(source.get, 0.01, source.clock)
    source.gate = asyncio.Event()
    first = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    source.now += 0.01
    second = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    source.gate.set()
    assert [await first, await second] == [1, 2]
    assert await kept.get() == 2


async def test_an_error_is_told_to_who_waits_and_what_was_found_before_is_given_for_its_time() -> None:
    source = Source()
    failing = False

    async def get() -> int:
        if failing:
            raise ConnectionError("away")
        return await source.get()

    kept = Kept(get, 0.01, source.clock)
    await kept.get()
    failing = True
    source.now += 0.005
    assert await kept.get() == 1
    await asyncio.sleep(0)
    source.now += 0.006
    with pytest.raises(ConnectionError):
        await kept.get()
    failing = False
    assert await kept.get() == 2
