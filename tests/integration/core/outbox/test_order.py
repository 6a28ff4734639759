"""Events of one key: in the order of writing, one after the other, whatever fails."""

import asyncio
import random
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from caravan.core.database import WriteSession
from caravan.core.outbox import NotParkedError, drop, emit, handler, parked, retry
from caravan.core.outbox.events import Event
from caravan.core.principal import Principal, PrincipalKind
from tests.fixtures.background import Background
from tests.fixtures.effects import note

pytestmark = pytest.mark.asyncio

ORG = UUID("11111111-1111-7111-8111-111111111111")
USER = Principal(PrincipalKind.USER, id=uuid4(), org=ORG)
_failing = random.Random(7)  # noqa: S311 - the same failures in every run


@handler("test.moody", name="moody")
async def moody(session: WriteSession, event: Event) -> None:
    await note(session, event, "moody")
    if _failing.random() < 0.3 and event.attempt < 3:
        raise RuntimeError("not today")


async def write_all(
    background: Background, name: str, key: str, payloads: list[dict[str, object]]
) -> list[UUID]:
    events = []
    for payload in payloads:
        async with background.connections.app.write(ORG) as session:
            events.append(await emit(session, name, payload, principal=USER, key=key))
    return events


async def test_twenty_events_of_a_key_stay_in_order_though_some_fail(background: Background) -> None:
    for key in ("a", "b"):
        await write_all(background, "test.moody", key, [{"mark": f"{key}{n:02}"} for n in range(20)])
    await background.settle()
    marks = background.marks()
    for key in ("a", "b"):
        assert [mark for mark in marks if mark[0] == key] == [f"{key}{n:02}" for n in range(20)]
    assert background.ask("SELECT count(*) FROM outbox WHERE failures > 0")[0][0] > 0


async def test_the_next_of_a_key_waits_for_the_one_before(background: Background) -> None:
    await write_all(background, "test.noted", "k", [{"mark": 1}, {"mark": 2}])
    assert await background.relay.relay_batch() == 1
    assert await background.relay.relay_batch() == 0
    await background.deliver()
    assert await background.relay.relay_batch() == 1


async def test_writers_of_one_key_are_ordered_by_their_transactions(background: Background) -> None:
    begun, order = asyncio.Event(), []

    async def first() -> None:
        async with background.connections.app.write(ORG) as session:
            await emit(session, "test.noted", {"mark": "first"}, principal=USER, key="k")
            begun.set()
            await asyncio.sleep(0.2)
            order.append("first")

    async def second() -> None:
        await begun.wait()
        async with background.connections.app.write(ORG) as session:
            await emit(session, "test.noted", {"mark": "second"}, principal=USER, key="k")
            order.append("second")

    await asyncio.gather(first(), second())
    await background.settle()
    assert order == ["first", "second"]
    assert background.marks() == ["first", "second"]


async def test_a_parked_event_blocks_its_key_and_no_other_until_it_is_retried(
    background: Background, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.touch()
    one, two = await write_all(
        background, "test.breaks", "k", [{"mark": n, "while": str(broken)} for n in (1, 2)]
    )
    await write_all(background, "test.noted", "free", [{"mark": "free"}])
    await background.settle()
    assert background.marks() == ["free"]
    assert background.state(one) == "parked"
    async with background.connections.app.read(ORG) as session:
        (listed,) = await parked(session)
    assert (listed.id, listed.org, listed.key, listed.waiting, listed.failures) == (one, ORG, "k", 1, 3)
    assert listed.reason == f"RuntimeError: broken by {broken}"
    broken.unlink()
    async with background.connections.app.write(ORG) as session:
        await retry(session, one)
    await background.settle()
    assert background.marks("break") == ["1", "2"]
    assert background.state(two) == "done"


async def test_dropping_a_parked_event_lets_the_next_go_on(background: Background) -> None:
    (one,) = await write_all(background, "test.hopeless", "k", [{}])
    await write_all(background, "test.noted", "k", [{"mark": "next"}])
    await background.settle()
    assert background.state(one) == "parked"
    async with background.connections.app.write(ORG) as session:
        await drop(session, one)
    await background.settle()
    assert background.marks() == ["next"]
    assert background.state(one) == "dropped"


async def test_another_tenant_can_neither_list_nor_decide(background: Background) -> None:
    (one,) = await write_all(background, "test.hopeless", "k", [{}])
    await background.settle()
    for decide in (retry, drop):
        async with background.connections.app.write(uuid4()) as session:
            assert await parked(session) == []
            with pytest.raises(NotParkedError):
                await decide(session, one)
    assert background.state(one) == "parked"
