"""Events behind a parked one cost the relay nothing until somebody decides, and then none of them is forgotten."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from caravan.core.outbox import drop, emit, relay, retry
from caravan.core.outbox.holding import hold
from caravan.core.principal import Principal, PrincipalKind
from tests.fixtures.background import Background

pytestmark = pytest.mark.asyncio

ORG = UUID("11111111-1111-7111-8111-111111111111")
USER = Principal(PrincipalKind.USER, id=uuid4(), org=ORG)
WAITING = 40
NEW: Final = str(relay._NEW)


async def write(background: Background, name: str, mark: str, key: str | None) -> UUID:
    async with background.connections.app.write(ORG) as session:
        return await emit(session, name, {"mark": mark}, principal=USER, key=key)


async def blocked(background: Background) -> UUID:
    """A parked event, and others of its key behind it."""
    first = await write(background, "test.hopeless", "first", "k")
    await background.settle()
    assert background.state(first) == "parked"
    for n in range(WAITING):
        await write(background, "test.noted", f"{n:02}", "k")
    return first


async def hold_all(background: Background) -> None:
    async with background.connections.system.write() as session:
        await hold(session)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def held(background: Background) -> int:
    return int(background.ask("SELECT count(*) FROM outbox WHERE due_at = 'infinity'")[0][0])


async def test_only_what_waits_behind_a_parked_event_is_held(background: Background) -> None:
    await blocked(background)
    await write(background, "test.noted", "free", None)
    await write(background, "test.noted", "other", "other")
    await hold_all(background)
    assert held(background) == WAITING
    await background.settle()
    assert sorted(background.marks()) == ["free", "other"]


async def test_the_index_that_a_poll_walks_is_empty_of_held_events(background: Background) -> None:
    await blocked(background)
    await hold_all(background)
    background.ask("VACUUM ANALYZE outbox")
    poll = f"EXPLAIN (ANALYZE, FORMAT JSON) {NEW}".replace(":most", "24").replace(":room", "100")
    [[[plan]]] = background.ask(poll)
    walked = [node for node in nodes(plan["Plan"]) if node.get("Index Name") == "ix_outbox_new"]
    assert [node.get("Rows Removed by Filter", 0) for node in walked] == [0]


@pytest.mark.parametrize("decide", [retry, drop])
async def test_a_decision_lets_all_that_was_held_go_on_in_order(background: Background, decide) -> None:
    first = await blocked(background)
    await hold_all(background)
    async with background.connections.app.write(ORG) as session:
        await decide(session, first)
    assert held(background) == 0
    if decide is drop:
        await background.settle()
        assert background.marks() == [f"{n:02}" for n in range(WAITING)]


async def test_a_decision_waits_for_a_holder_that_was_first_and_lets_go_what_it_held(
    background: Background,
) -> None:
    first = await blocked(background)
    holding = asyncio.Event()

    async def decide() -> None:
        await holding.wait()
        async with background.connections.app.write(ORG) as session:
            await drop(session, first)

    async def hold_slowly() -> None:
        async with background.connections.system.write() as session:
            await hold(session)
            holding.set()
            await asyncio.wait([deciding], timeout=0.2)
            assert not deciding.done()

    deciding = asyncio.create_task(decide())
    await hold_slowly()
    await deciding
    assert held(background) == 0


async def test_nothing_is_held_behind_a_decision_that_was_made_meanwhile(background: Background) -> None:
    first = await blocked(background)
    async with background.connections.app.write(ORG) as session:
        await drop(session, first)
        await session.flush()
        await hold_all(background)
    assert held(background) == 0


async def test_the_running_relay_holds_by_itself(background: Background) -> None:
    await blocked(background)
    stop = asyncio.Event()
    running = asyncio.create_task(background.relay.run(stop))
    deadline = asyncio.get_running_loop().time() + 40
    while held(background) < WAITING:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)
    stop.set()
    await running
