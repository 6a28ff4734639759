"""A cutover that a crash cut short is settled by the conductor that starts next, without anybody typing."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.capture.changes import Position
from caravan.migration.conductor import Conductor, ConductorOptions
from caravan.migration.conductor.settling import Settling
from caravan.migration.cutover.errors import StoreFailedError
from caravan.migration.cutover.recovery import settle_interrupted
from caravan.migration.sync.flow_rows import FlowKey, create_flow
from caravan.migration.sync.flows import Direction, FlowMode
from caravan.migration.units import Moved, UnitValues, connected, held_lease
from caravan.migration.units.store import open_transition
from tests.integration.migration.conductor.conducting import Running
from tests.integration.migration.cutover.acting import Crash
from tests.integration.migration.cutover.shop import CONFIG, Shop
from tests.integration.migration.gateway.running import eventually


@pytest.fixture
def connection(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with connected(module_database) as connection:
        yield connection


@pytest.fixture
def shop(module_database: DatabaseAddress, connection: psycopg.Connection) -> Shop:
    return Shop(module_database, connection, switched=False)


def dies(shop: Shop, step: str) -> None:
    """Have a switch die behind this step."""
    names = Shop(shop.address, shop.connection, switched=False)
    names.act("switch")
    shop.world.crash_at = shop.world.points + names.world.names.index(step) + 1
    with pytest.raises(Crash):
        shop.act("switch")
    shop.world.crash_at = None


def settle(shop: Shop) -> Callable[[], Sequence[Moved]]:
    return lambda: settle_interrupted(
        shop.address, shop.scope, CONFIG, lambda _unit: shop.operator("conductor")
    )


@contextmanager
def conducted(shop: Shop) -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        options = ConductorOptions(Path(folder) / "tap", str(uuid4()), every=0.05, save_every=0.05)
        conductor = Conductor(
            shop.address, shop.scope, CONFIG, options, publisher=shop.gateways, settle=settle(shop)
        )
        running = Running(conductor, options.tap)
        try:
            yield running
        finally:
            running.stop()
    assert running.failure is None, running.failure


@pytest.mark.parametrize(("step", "state"), [("after old fence up", 6), ("after publish flip", 7)])
def test_a_conductor_that_starts_settles_what_was_cut_short(shop: Shop, step: str, state: int) -> None:
    dies(shop, step)
    with conducted(shop):
        eventually(lambda: open_transition(shop.connection, shop.scope, "orders") is None)
    assert shop.stored[0] == state
    assert shop.problems() == []


def test_a_switched_unit_whose_flows_are_gone_is_an_alarm_until_they_are_there(
    module_database: DatabaseAddress, connection: psycopg.Connection
) -> None:
    shop = Shop(module_database, connection, switched=True)

    def alarms(*, ended: bool) -> set[str]:
        found = "SELECT cause FROM engine.migration_alerts WHERE org_id = %s AND cause LIKE 'flow%%' AND (ended_at IS NOT NULL) = %s"
        return {row[0] for row in connection.execute(found, (shop.scope.org_id, ended))}

    with conducted(shop):
        eventually(lambda: alarms(ended=False) == {"flow gone old forward", "flow gone old reverse"})
        flows: tuple[tuple[Direction, FlowMode], ...] = (("forward", "watch"), ("reverse", "apply"))
        for direction, mode in flows:
            key = FlowKey(shop.scope.org_id, shop.scope.migration, "old", direction)
            create_flow(connection, key, Position(1), mode=mode)
        eventually(lambda: alarms(ended=True) == {"flow gone old forward", "flow gone old reverse"})


def test_what_a_live_command_is_at_is_left_alone(shop: Shop) -> None:
    dies(shop, "after old fence up")
    with connected(shop.address) as other, held_lease(other, shop.scope, holder="ann"):
        assert settle(shop)() == []
        assert open_transition(shop.connection, shop.scope, "orders") is not None
    (moved,) = settle(shop)()
    assert moved.did == "unwound"
    assert shop.problems() == []


def test_what_cannot_be_settled_is_an_alarm_until_it_can() -> None:
    tries: list[int] = []

    def failing_once() -> Sequence[Moved]:
        tries.append(1)
        if len(tries) == 1:
            raise StoreFailedError("the old store is away")
        return [Moved("unwound", "orders", "cut over", UnitValues(7), UnitValues(6))]

    async def looked() -> list[list[str]]:
        settling = Settling(failing_once)
        keeping = asyncio.create_task(settling.keep())
        seen: list[list[str]] = []
        async with asyncio.timeout(20):
            while len(tries) < 2 or list(settling.alarms()):
                seen.append([alarm.said for alarm in settling.alarms()])
                await asyncio.sleep(0.01)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        return seen

    told = [said for alarms in asyncio.run(looked()) for said in alarms]
    assert told
    assert all("the old store is away" in said for said in told)
