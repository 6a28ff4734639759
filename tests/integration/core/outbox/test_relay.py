"""The relay: nothing lost, nothing sent by two, and a sleeper is woken."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from caravan.core.outbox import Policy, backlog, emit, last_beats
from caravan.core.outbox.relay import Relay
from caravan.core.principal import Principal, PrincipalKind
from tests.fixtures.background import QUICK, Background, Courier, until

pytestmark = pytest.mark.asyncio

ORG = UUID("11111111-1111-7111-8111-111111111111")
USER = Principal(PrincipalKind.USER, id=uuid4(), org=ORG)


async def write(background: Background, count: int = 1, name: str = "test.noted") -> None:
    async with background.connections.app.write(ORG) as session:
        for n in range(count):
            await emit(session, name, {"mark": f"{n:04}"}, principal=USER)


@contextlib.asynccontextmanager
async def running(background: Background, policy: Policy, courier: Courier) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(Relay(background.connections.system, courier, policy).run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def test_a_broker_that_refuses_leaves_the_events_new(background: Background) -> None:
    await write(background, 3)
    courier = background.courier
    courier.refuses = True
    async with running(background, QUICK, courier):
        await asyncio.sleep(0.3)
        assert courier.carried == []
        assert background.ask("SELECT DISTINCT state, relays FROM outbox") == [("new", 0)]
        courier.refuses = False
        await until(lambda: len(courier.carried) == 3)
    await background.deliver()
    assert sorted(background.marks()) == ["0000", "0001", "0002"]


async def test_what_the_broker_lost_is_relayed_again_after_the_visibility_time(
    background: Background,
) -> None:
    await write(background, 3)
    assert await background.relay.relay_batch() == 3
    background.courier.carried.clear()
    assert await background.relay.relay_batch() == 0
    await background.pass_heartbeat()
    assert await background.relay.relay_batch() == 0
    background.ask("UPDATE outbox SET due_at = due_at - make_interval(secs => %s)", QUICK.visibility)
    assert await background.relay.relay_batch() == 3
    await background.deliver()
    assert sorted(background.marks()) == ["0000", "0001", "0002"]


async def test_what_waits_in_a_slow_queue_is_not_relayed_again_until_a_later_heartbeat_came_through(
    background: Background,
) -> None:
    await background.pass_heartbeat()
    await write(background, 3)
    relay = Relay(background.connections.system, background.courier, replace(QUICK, visibility=0))
    assert await relay.relay_batch() == 3
    assert await relay.relay_batch() == 0
    await background.pass_heartbeat()
    assert await relay.relay_batch() == 3


async def test_an_event_that_never_comes_back_is_parked(background: Background) -> None:
    await write(background)
    relay = Relay(
        background.connections.system, background.courier, replace(QUICK, visibility=0, max_relays=2)
    )
    turns = []
    for _ in range(4):
        turns.append(await relay.relay_batch())
        await background.pass_heartbeat()
    assert turns == [1, 1, 1, 0]
    assert len(background.courier.carried) == 2
    ((state, reason),) = background.ask("SELECT state, reason FROM outbox")
    assert (state, reason[:12]) == ("parked", "Sent 2 times")


async def test_two_relays_send_nothing_twice(background: Background) -> None:
    await write(background, 60)
    policy = replace(QUICK, batch=10)
    relays = [Relay(background.connections.system, background.courier, policy) for _ in range(2)]
    while any(await asyncio.gather(*(relay.relay_batch() for relay in relays))):
        pass
    assert len(background.courier.carried) == 60
    assert len({ref.id for ref in background.courier.carried}) == 60


async def test_no_more_is_in_flight_than_the_window_holds(background: Background) -> None:
    await write(background, 7)
    courier = Courier()
    policy = replace(QUICK, window=5)
    async with running(background, policy, courier):
        await until(lambda: len(courier.carried) == 5)
        await asyncio.sleep(0.2)
        assert len(courier.carried) == 5
        background.courier.carried, courier.carried = courier.carried, []
        await background.deliver()
        await until(lambda: len(courier.carried) == 2)


async def test_a_sleeping_relay_is_woken_and_a_waking_one_is_not(background: Background) -> None:
    policy = replace(QUICK, poll=600, heartbeat=600)  # woken, or not at all
    async with running(background, policy, background.courier):
        await until(lambda: background.ask("SELECT 1 FROM heartbeats WHERE kind = 'relay' AND sleeping"))
        await asyncio.sleep(0.1)
        await write(background)
        await until(lambda: background.courier.carried)


async def test_the_end_of_one_event_wakes_the_relay_for_the_next_of_its_key(background: Background) -> None:
    for mark in ("one", "two"):
        async with background.connections.app.write(ORG) as session:
            await emit(session, "test.noted", {"mark": mark}, principal=USER, key="k")
    async with running(background, replace(QUICK, poll=600, heartbeat=600), background.courier):
        await until(lambda: len(background.courier.carried) == 1)
        await until(lambda: background.ask("SELECT 1 FROM heartbeats WHERE kind = 'relay' AND sleeping"))
        await asyncio.sleep(0.1)
        await background.deliver()
        await until(lambda: len(background.courier.carried) == 1)


async def test_a_relay_whose_connections_are_cut_goes_on(background: Background) -> None:
    async with running(background, QUICK, background.courier):
        await until(lambda: background.courier.pings)
        background.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await write(background)
        await until(lambda: background.courier.carried)


async def test_relay_and_broker_show_life(background: Background) -> None:
    async with running(background, QUICK, background.courier):
        await until(lambda: len(background.courier.pings) >= 2)
    async with background.connections.system.read() as session:
        assert {("relay", "relay"), ("ping", "caravan")} <= set(await last_beats(session))


async def test_the_backlog_counts_by_state_and_knows_the_oldest(background: Background) -> None:
    await write(background, 2)
    await background.relay.relay_batch()
    await write(background, 3)
    background.ask("UPDATE outbox SET created_at = now() - interval '90 s' WHERE state = 'relayed'")
    async with background.connections.system.read() as session:
        found = await backlog(session)
    assert (found.new, found.relayed, found.parked) == (3, 2, 0)
    assert 89 < found.oldest_seconds < 120
    async with background.connections.app.read(uuid4()) as session:
        assert (await backlog(session)).new == 0


DYING = """
import asyncio, os, signal, sys
from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.outbox import Policy
from caravan.core.outbox.relay import Relay

class Dying:
    def send(self, refs):
        with open(sys.argv[2], "a") as file:
            file.writelines(f"{ref.org} {ref.id}\\n" for ref in refs)
        os.kill(os.getpid(), signal.SIGKILL)
    def ping(self): ...

async def main():
    database = Database(DatabaseAddress(sys.argv[1]), role=Role.SYSTEM)
    await Relay(database, Dying(), Policy()).relay_batch()

asyncio.run(main())
"""


async def test_a_relay_killed_between_sending_and_marking_sends_again_and_doubles_nothing(
    background: Background, tmp_path: Path
) -> None:
    await write(background, 5)
    sent = tmp_path / "sent"
    command = [sys.executable, "-c", DYING, background.address.url, str(sent)]
    killed = await asyncio.to_thread(subprocess.run, command, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert len(sent.read_text("ascii").splitlines()) == 5
    await background.settle()
    assert sorted(background.marks()) == [f"{n:04}" for n in range(5)]
