"""What a unit's page tells of its switch: cutovers step by step, fences that stand, drills."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import httpx2
import psycopg
import pytest
import pytest_asyncio

from caravan.core.database import DatabaseAddress
from caravan.migration.console.cutover_history import CutoverHistory, cutover_history
from caravan.migration.cutover import Cutovers, Drill, release_fences
from caravan.migration.cutover.errors import PreflightError, StoreFailedError
from caravan.migration.cutover.parties import Writer
from caravan.migration.gateway.errors import NotConfirmedError
from caravan.migration.units import CUTOVER, UndoOpenError, connected, record_measurement
from caravan.platform.identity.tenancy_tables import Organisation
from tests.fixtures.console import add_person, browser_of, log_in, running_console
from tests.integration.migration.cutover.acting import NOW, World
from tests.integration.migration.cutover.shop import CANARY, CONFIG, Shop

UNIT = "/console/migrations/shop/units/orders"


@dataclass
class Probes:
    """Rows that clients write; the one with number ``lost`` never arrives."""

    world: World
    lost: int = -1

    def write(self, number: int) -> str:
        key = f"probe {number}"
        if number != self.lost:
            self.world.arrive(key)
        return key

    def found(self, side: str, keys: Sequence[str]) -> Mapping[str, int]:
        rows = (self.world.old if side == "old" else self.world.new).rows
        return {key: rows[key] for key in keys if key in rows}

    def remove(self, keys: Sequence[str]) -> None:
        for side in (self.world.old, self.world.new):
            for key in keys:
                side.rows.pop(key, None)


class Ticking:
    """A clock that is a quarter of a second later at each look."""

    def __init__(self) -> None:
        self._looks = count()

    def __call__(self) -> datetime:
        return NOW + timedelta(seconds=0.25) * next(self._looks)


def quiet_shop(address: DatabaseAddress, connection: psycopg.Connection) -> tuple[Shop, Cutovers]:
    """A unit in the last stage of its canary, and somebody who may switch it."""
    shop = Shop(address, connection, switched=False)
    shop.world.quiet = True
    cutovers = Cutovers(
        address,
        shop.scope,
        CONFIG,
        shop.world.parties(),
        shop.gateways,
        by="Ann",
        clock=Ticking(),
        sides=lambda: shop.world.sides,
    )
    cutovers.patience = 0.0
    return shop, cutovers


@pytest.fixture
def connection(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with connected(module_database) as opened:
        yield opened


def switch(shop: Shop, cutovers: Cutovers) -> None:
    """Switch with a canary that was measured just now."""
    record_measurement(shop.connection, shop.scope, "orders", "canary", CANARY, at=cutovers.clock())
    cutovers.switch("orders")


def history(shop: Shop) -> CutoverHistory:
    return cutover_history(shop.connection, shop.scope, "orders")


def told_and_there(shop: Shop) -> tuple[dict[str, set[UUID]], dict[str, set[UUID]]]:
    """Return the fences that the journal tells, and those that stand in the stores."""
    told: dict[str, set[UUID]] = {"old": set(), "new": set()}
    for fence in history(shop).fences:
        told[fence.side].add(fence.transition)
    return told, {"old": shop.world.old.fences, "new": shop.world.new.fences}


def test_what_is_told_of_fences_is_what_stands(
    module_database: DatabaseAddress, connection: psycopg.Connection
) -> None:
    shop, cutovers = quiet_shop(module_database, connection)
    switch(shop, cutovers)
    told, there = told_and_there(shop)
    assert told == there
    assert len(told["old"]) == 1
    (fence,) = history(shop).fences
    assert (fence.whole, list(fence.by_hand)) == (True, [f"OPEN old {fence.transition}"])
    shop.world.fail["sequences"] = OSError("gone")
    with pytest.raises(StoreFailedError):
        cutovers.reverse("orders")
    told, there = told_and_there(shop)
    assert told == there
    assert len(told["old"]) == 1
    assert Drill(cutovers, Probes(shop.world), patience=5).run("orders").passed
    told, there = told_and_there(shop)
    assert told == there
    assert len(told["old"]) == 1
    release_fences(cutovers, "orders", force=True)
    assert told_and_there(shop) == ({"old": set(), "new": set()}, {"old": set(), "new": set()})


def test_where_undoing_fails_the_fence_and_the_held_writes_are_told(
    module_database: DatabaseAddress, connection: psycopg.Connection
) -> None:
    shop, cutovers = quiet_shop(module_database, connection)
    shop.world.fail = {"verify": OSError("gone"), "old fence down": OSError("still gone")}
    with pytest.raises(UndoOpenError):
        shop.act_without_settling("switch")
    (run,) = history(shop).runs
    assert (run.phase, run.open, run.held_seconds) == ("unwinding", True, None)
    assert run.held_since is not None
    assert {step.name: step.state for step in run.steps}["verify"] == "not done"
    assert [step.state for step in run.unwound][:2] == ["begun", "to come"]
    told, there = told_and_there(shop)
    assert told == there
    assert len(told["old"]) == 1
    cutovers.settle("orders")
    (run,) = history(shop).runs
    assert (run.phase, run.held_since) == ("undone", None)
    assert history(shop).fences == []
    switch(shop, cutovers)
    assert len(history(shop).fences) == 1
    cutovers.reverse("orders")
    assert history(shop).fences == []


def test_a_switch_that_its_preflight_refuses_is_told_apart_from_one_that_was_undone(
    module_database: DatabaseAddress, connection: psycopg.Connection
) -> None:
    shop, cutovers = quiet_shop(module_database, connection)
    shop.world.fail["old fence up"] = OSError("gone")
    with pytest.raises(StoreFailedError):
        cutovers.switch("orders")
    (failed,) = history(shop).runs
    assert (failed.phase, failed.refused, failed.steps[0].state) == ("undone", False, "done")
    assert failed.held_seconds is not None
    assert "OSError: gone" in failed.failed
    shop.world.fail["publish arm"] = NotConfirmedError("gateway-2 does not follow")
    with pytest.raises(NotConfirmedError):
        switch(shop, cutovers)
    unarmed = history(shop).runs[0]
    assert (unarmed.phase, unarmed.refused, unarmed.held_seconds) == ("undone", False, None)
    shop.world.other_writers = [Writer("cron", "pid 7")]
    with pytest.raises(PreflightError, match="cron"):
        switch(shop, cutovers)
    refused = history(shop).runs[0]
    assert (refused.refused, refused.held_seconds) == (True, None)
    (against,) = [check for check in refused.checks if not check.passed]
    assert (against.name, against.measured) == ("writers without the gateway", "cron (pid 7)")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(
    module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx2.AsyncClient]:
    """An owner of the shop's organisation: a switch that was undone, a drill that failed, one that passed, a switch."""
    async with running_console(module_database, tmp_path_factory.mktemp("console")) as console:
        with connected(module_database) as connection:
            shop, cutovers = quiet_shop(module_database, connection)
            shop.world.fail["verify"] = OSError("gone")
            with pytest.raises(StoreFailedError):
                cutovers.switch("orders")
            Drill(cutovers, Probes(shop.world, lost=6), patience=0).run("orders")
            Drill(cutovers, Probes(shop.world), patience=5).run("orders")
            switch(shop, cutovers)
        async with console.system.write() as session:
            session.add(Organisation(id=shop.scope.org_id, code="retail", name="Retail"))
        await add_person(console, "owner@example.com", org="retail")
        async with browser_of(console) as client:
            await log_in(client)
            yield client


@pytest.mark.asyncio
async def test_a_unit_shows_the_steps_of_its_last_cutover_and_what_was_held(
    owner: httpx2.AsyncClient,
) -> None:
    page = (await owner.get(UNIT)).text
    section = page[page.index('id="switch"') : page.index('id="drills"')]
    for text in (
        "<strong>cut over</strong> by <bdi>Ann</bdi>",
        "writes were held for 0.",
        "the log is at",
        "needed: a process that carries the flow back",
        "9b open",
        "0.250 s",
        "checked 3",
        "caravan cutover reverse FILE orders",
    ):
        assert text in section, text
    last, _, before = section.partition("<h3>Before</h3>")
    assert last.count(">done<") == 1 + len(CUTOVER)
    assert last.index("<h3>Preflight</h3>") < last.index("<h3>Steps</h3>")
    assert before.count("drill there") == before.count("drill back") == 2
    assert 'badge warn">undone' in before
    assert "on the old side since" in before
    assert "has to stay" in before
    assert "OPEN old" in before


@pytest.mark.asyncio
async def test_a_unit_shows_the_history_of_its_drills(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(UNIT)).text
    passed, failed = page[page.index('id="drills"') :].split('<tr role="row">')[2:4]
    assert 'badge good">passed' in passed
    assert "15 written" in passed
    assert "0 lost, 0 doubled" in passed
    assert "there 0." in passed
    assert 'badge bad">failed' in failed
    assert "2 lost, 0 doubled" in failed
    assert "2 probes lost, 0 doubled" in failed
