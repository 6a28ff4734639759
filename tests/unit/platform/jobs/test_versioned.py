"""A kept value is never older than what had been written before it was asked for, and checks are shared."""

import asyncio
from dataclasses import dataclass, field

import pytest

from caravan.platform.jobs import Versioned

pytestmark = pytest.mark.asyncio


@dataclass
class Source:
    """A database of one number; a check sees what was written when it began, and answers when it is let."""

    written: int = 0
    checks: int = 0
    builds: int = 0
    gates: list[asyncio.Event] = field(default_factory=list)
    slow: bool = False

    async def version(self) -> int:
        self.checks += 1
        seen = self.written
        if self.slow:
            gate = asyncio.Event()
            self.gates.append(gate)
            await gate.wait()
        return seen

    async def asked(self, times: int) -> None:
        while len(self.gates) < times:  # noqa: ASYNC110 - turns of the loop are what is waited for
            await asyncio.sleep(0)

    async def build(self) -> str:
        self.builds += 1
        return f"value {self.written}"


async def test_a_value_is_built_once_per_version() -> None:
    source = Source()
    kept = Versioned(source.version, source.build)
    assert [await kept.get(), await kept.get()] == ["value 0", "value 0"]
    assert (source.checks, source.builds) == (2, 1)
    source.written = 1
    assert await kept.get() == "value 1"
    assert source.builds == 2


async def test_who_asks_together_shares_one_check() -> None:
    source = Source()
    kept = Versioned(source.version, source.build)
    assert await asyncio.gather(*(kept.get() for _ in range(100))) == ["value 0"] * 100
    assert source.checks == 1


async def test_who_comes_while_a_check_is_under_way_waits_for_the_next() -> None:
    source = Source(slow=True)
    kept = Versioned(source.version, source.build)
    first = asyncio.create_task(kept.get())
    await source.asked(1)
    source.written = 1  # behind the back of the check under way
    late = [asyncio.create_task(kept.get()) for _ in range(10)]
    await asyncio.sleep(0)
    source.gates[0].set()
    await first
    await source.asked(2)
    source.gates[1].set()
    assert await asyncio.gather(*late) == ["value 1"] * 10
    assert source.checks == 2


async def test_a_check_that_fails_is_told_to_who_shared_it_and_not_to_the_next() -> None:
    source = Source()
    broken = True

    async def version() -> int:
        if broken:
            raise OSError("the database is away")
        return await source.version()

    kept = Versioned(version, source.build)
    told = await asyncio.gather(kept.get(), kept.get(), return_exceptions=True)
    assert [str(each) for each in told] == ["the database is away"] * 2
    broken = False
    assert await kept.get() == "value 0"


async def test_who_leaves_does_not_end_the_check_of_the_others() -> None:
    source = Source(slow=True)
    kept = Versioned(source.version, source.build)
    leaving, staying = asyncio.create_task(kept.get()), asyncio.create_task(kept.get())
    await source.asked(1)
    leaving.cancel()
    source.gates[0].set()
    assert await staying == "value 0"
