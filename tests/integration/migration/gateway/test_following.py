"""Switching with real processes' parts: tables arrive, holds are confirmed, outages and old copies bring no authority back."""

import asyncio
import json
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

import psycopg
import pytest

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.migration.gateway.confirming import (
    ProcessState,
    forget_process,
    process_states,
    wait_until_confirmed,
)
from caravan.migration.gateway.errors import NotConfirmedError, TableUnreadableError
from caravan.migration.gateway.following import Following, TableFollower
from caravan.migration.gateway.limits import Limits
from caravan.migration.gateway.plan import PlannedRoute, PlannedUnit, RoutePlan
from caravan.migration.gateway.publishing import Published, arm, change_unit, hold, publish_table, release
from caravan.migration.gateway.table_copy import TableCopy
from tests.integration.migration.gateway.running import (
    QUICK,
    Received,
    RunningGateway,
    Side,
    eventually,
    gateway,
    side,
)
from tests.integration.migration.gateway.wire import Wire

PLAN = RoutePlan(
    units=(PlannedUnit(name="orders", state=4),),
    routes=(
        PlannedRoute(template="/orders", methods=("POST",), effect="write", unit="orders"),
        PlannedRoute(template="/orders/{id}", effect="read", unit="orders"),
        PlannedRoute(template="/other", methods=("POST",), effect="write"),
    ),
)
Result = TypeVar("Result")


class Operator:
    """Publishes as the cutover does."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._address = address
        self.org = uuid4()

    def do(self, work: Callable[..., Awaitable[Result]], *arguments: object, **named: object) -> Result:
        """Call ``work(session, org, migration, …)`` in a transaction."""

        async def inside(database: Database) -> Result:
            async with database.write() as session:
                return await work(session, self.org, "shop", *arguments, **named)

        return self._run(inside)

    def confirmed(
        self, published: Published, *, seconds: float = 30, unit: str | None = None
    ) -> list[ProcessState]:
        return self._run(
            lambda database: wait_until_confirmed(
                database, self.org, "shop", published, seconds=seconds, unit=unit
            )
        )

    def _run(self, work: Callable[[Database], Awaitable[Result]]) -> Result:
        async def inside() -> Result:
            database = Database(self._address, role=Role.SYSTEM, pool=1, read_pool=1)
            try:
                return await work(database)
            finally:
                await database.close()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: asyncio.run(inside())).result()


@pytest.fixture
def operator(module_database: DatabaseAddress) -> Operator:
    return Operator(module_database)


@pytest.fixture
def wire(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with tempfile.TemporaryDirectory(prefix="w") as folder:
        wire = Wire(module_database, Path(folder))
        yield wire
        wire.cut()


@contextmanager
def following(
    old: Side,
    new: Side,
    operator: Operator,
    address: DatabaseAddress,
    folder: Path,
    *,
    name: str = "one",
    limits: Limits = QUICK,
    org: Callable[[], UUID] | None = None,
) -> Iterator[tuple[RunningGateway, TableFollower]]:
    with gateway(old, new, limits=limits) as running:
        followed = Following(address, "shop", name, org or (lambda: operator.org))

        async def start() -> tuple[TableFollower, asyncio.Task[None]]:
            follower = TableFollower(followed, running.server.path, TableCopy(folder, "shop"))
            await follower.start()
            return follower, asyncio.create_task(follower.run())

        async def stop(follower: TableFollower, task: asyncio.Task[None]) -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await follower.leave()

        follower, task = running.run(start())
        try:
            yield running, follower
        finally:
            running.run(stop(follower, task))


def version(running: RunningGateway) -> int:
    found: int = running.server.path.table.version
    return found


def test_a_published_table_reaches_every_process_at_once_and_is_confirmed(
    old: Side,
    operator: Operator,
    module_database: DatabaseAddress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("caravan.migration.gateway.following._LOOK_EVERY", 60.0)  # heard, or not at all
    with (
        side() as new,
        following(old, new, operator, module_database, tmp_path, name="one") as (one, _),
        following(old, new, operator, module_database, tmp_path, name="two") as (two, _),
    ):
        published = operator.do(publish_table, PLAN, expected=0, by="ann")
        states = operator.confirmed(published)

        assert [(state.name, state.version) for state in states] == [("one", 1), ("two", 1)]
        assert version(one) == version(two) == 1
    assert operator.do(process_states) == []  # who ends in order takes leave


def test_without_notify_the_version_is_polled(
    old: Side, operator: Operator, module_database: DatabaseAddress, tmp_path: Path
) -> None:
    with following(old, old, operator, module_database, tmp_path) as (running, _):
        operator.do(publish_table, PLAN, expected=0, by="ann")
        eventually(lambda: version(running) == 1)
        with psycopg.connect(module_database.libpq(Role.SYSTEM)) as connection:
            connection.execute(
                "INSERT INTO engine.route_tables SELECT org_id, migration, 2, 0, checksum, document, 'bob'"
                " FROM engine.route_tables WHERE org_id = %s",
                (operator.org,),
            )
            connection.execute(
                "UPDATE engine.route_pointers SET version = 2 WHERE org_id = %s", (operator.org,)
            )
        eventually(lambda: version(running) == 2)


def switch_under_load(running: RunningGateway, operator: Operator) -> tuple[list[int], list[int]]:
    """Switch the unit while four clients write and read; return the statuses of writes and of reads."""
    stop = threading.Event()
    writes: list[int] = []
    reads: list[int] = []

    def work(number: int) -> None:
        with running.client() as client:
            count = 0
            while not stop.is_set():
                body = f"{number}-{count}".encode()
                writes.append(client.post("/orders", body).status)
                reads.append(client.get("/orders/1").status)
                count += 1

    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(work, number) for number in range(4)]
        eventually(lambda: len(writes) > 40)
        operator.confirmed(operator.do(arm, "orders", by="ann"))
        operator.confirmed(operator.do(hold, "orders", by="ann"), unit="orders")
        during = len(reads)
        eventually(lambda: len(running.server.path.holds) > 0)
        operator.do(release, "orders", "new", by="ann")
        eventually(lambda: version(running) == 4)
        before = len(writes)
        eventually(lambda: len(writes) > before + 40)
        stop.set()
        for one in working:
            one.result()
    assert during
    return writes, reads


def test_a_switch_under_load_loses_no_write_and_doubles_none(
    old: Side, operator: Operator, module_database: DatabaseAddress, tmp_path: Path
) -> None:
    with side() as new, following(old, new, operator, module_database, tmp_path) as (running, _):
        operator.do(publish_table, PLAN, expected=0, by="ann")
        eventually(lambda: version(running) == 1)
        switched: list[float] = []

        def at_old(request: Received) -> None:
            assert not switched or request.first.startswith(b"GET")
            request.answer()

        old.script = at_old

        def at_new(request: Received) -> None:
            if request.payload:
                switched.append(time.monotonic())
            request.answer()

        new.script = at_new
        writes, reads = switch_under_load(running, operator)

    bodies = [request.payload for request in (*old.requests, *new.requests) if request.payload]
    assert set(writes) == set(reads) == {200}
    assert len(bodies) == len(set(bodies)) == len(writes)
    assert [request for request in new.requests if request.payload]


def test_a_held_write_waits_and_goes_to_the_side_it_is_released_to(
    old: Side, operator: Operator, module_database: DatabaseAddress, tmp_path: Path
) -> None:
    with side() as new, following(old, new, operator, module_database, tmp_path) as (running, _):
        operator.do(publish_table, PLAN, expected=0, by="ann")
        operator.confirmed(operator.do(arm, "orders", by="ann"))
        states = operator.confirmed(operator.do(hold, "orders", by="ann"), unit="orders")
        assert states[0].held == {"orders"}
        with running.client() as client, running.client() as reader, running.client() as other:
            client.send(b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
            eventually(lambda: len(running.server.path.holds) == 1)
            client.send(b"world")
            assert reader.get("/orders/7").body == b"/orders/7"  # reads go on
            assert other.post("/other").status == 200  # and so do other writes
            assert [request.payload for request in (*old.requests, *new.requests) if request.payload] == [
                b"hello"
            ]
            old.requests.clear()
            operator.do(release, "orders", "new", by="ann")
            assert client.answer().status == 200
    assert [request.payload for request in new.requests] == [b"helloworld"]
    assert not old.requests


def test_a_write_on_its_way_keeps_the_hold_from_being_confirmed(
    old: Side, operator: Operator, module_database: DatabaseAddress, tmp_path: Path
) -> None:
    answer = threading.Event()

    def script(request: Received) -> None:
        answer.wait(30)
        request.answer()

    with following(old, old, operator, module_database, tmp_path) as (running, _), running.client() as client:
        operator.do(publish_table, PLAN, expected=0, by="ann")
        operator.confirmed(operator.do(arm, "orders", by="ann"))
        old.script = script
        client.send(b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        eventually(lambda: old.requests)
        held = operator.do(hold, "orders", by="ann")
        with pytest.raises(NotConfirmedError, match=r"one \(version 3, 1 writes on their way\)"):
            operator.confirmed(held, seconds=0.3, unit="orders")
        answer.set()
        assert operator.confirmed(held, unit="orders")
        assert client.answer().status == 200


def test_while_the_database_is_down_traffic_goes_on_but_not_the_writes_of_an_armed_unit(
    old: Side, operator: Operator, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caravan.migration.gateway.following._LOOK_EVERY", 0.1)  # well within the lease
    limits = replace(QUICK, lease_seconds=1.2)
    with following(old, old, operator, wire.address, tmp_path, limits=limits) as (running, follower):
        operator.do(publish_table, PLAN, expected=0, by="ann")
        armed = operator.do(arm, "orders", by="ann")
        operator.confirmed(armed)
        with running.client() as client:
            assert client.post("/orders").status == 200
        wire.cut()
        eventually(lambda: not running.server.path.has_lease)
        with running.client() as client, running.client() as other:
            answer = client.post("/orders")
            assert (answer.status, answer.values(b"Caravan-Error")) == (503, [b"gateway.lease_lost"])
            assert answer.values(b"Retry-After") == [b"2"]
            assert other.get("/orders/1").status == 200
            assert other.post("/other").status == 200
        # Its lease is over and it had armed the unit: the switch need not wait for it.
        held = operator.do(hold, "orders", by="ann")
        states = operator.confirmed(held, unit="orders")
        assert [state.has_lease for state in states] == [False]
        operator.do(release, "orders", "new", by="ann")
        wire.mend()
        eventually(lambda: version(running) == 4)
        eventually(lambda: follower.trouble is None)
        with running.client() as client:
            assert client.post("/orders").status == 200


def test_a_silent_process_that_never_armed_the_unit_stops_the_switch_until_it_is_forgotten(
    old: Side, operator: Operator, wire: Wire, tmp_path: Path
) -> None:
    limits = replace(QUICK, lease_seconds=0.3)
    with following(old, old, operator, wire.address, tmp_path, limits=limits) as (running, _):
        operator.do(publish_table, PLAN, expected=0, by="ann")
        eventually(lambda: version(running) == 1)
        wire.cut()
        armed = operator.do(arm, "orders", by="ann")
        with pytest.raises(NotConfirmedError, match=r"one \(silent for"):
            operator.confirmed(armed, seconds=0.5, unit="orders")
        assert operator.do(forget_process, "one")
        assert operator.confirmed(armed, unit="orders") == []


def test_it_starts_from_its_copy_when_the_database_is_down(
    old: Side, operator: Operator, wire: Wire, tmp_path: Path
) -> None:
    with side() as new:
        with following(old, new, operator, wire.address, tmp_path) as (running, _):
            operator.do(publish_table, PLAN, expected=0, by="ann")
            operator.do(change_unit, "orders", by="ann", state=7)
            eventually(lambda: version(running) == 2)
        wire.cut()

        def no_answer() -> UUID:
            raise OSError("no database")

        with following(old, new, operator, wire.address, tmp_path, org=no_answer) as (running, follower):
            assert version(running) == 2
            assert follower.trouble is not None
            with running.client() as client:
                assert client.post("/orders", b"moved").status == 200
        assert [request.payload for request in new.requests] == [b"moved"]
        assert not old.requests


def test_a_copy_of_a_unit_being_switched_writes_nowhere_until_the_database_is_back(
    old: Side, operator: Operator, wire: Wire, tmp_path: Path
) -> None:
    with following(old, old, operator, wire.address, tmp_path) as (running, _):
        operator.do(publish_table, PLAN, expected=0, by="ann")
        operator.confirmed(operator.do(arm, "orders", by="ann"))
    wire.cut()
    with following(old, old, operator, wire.address, tmp_path) as (running, _), running.client() as client:
        answer = client.post("/orders")
        assert (answer.status, answer.values(b"Caravan-Error")) == (503, [b"gateway.lease_lost"])
    assert not old.requests


def test_with_no_table_ever_seen_all_goes_to_the_old_side(
    old: Side, operator: Operator, wire: Wire, tmp_path: Path
) -> None:
    wire.cut()
    with side() as new, following(old, new, operator, wire.address, tmp_path) as (running, _):
        with running.client() as client:
            assert client.post("/orders").status == 200
        assert not new.requests
    assert len(old.requests) == 1


def test_an_older_table_than_the_one_applied_is_refused(
    old: Side, operator: Operator, module_database: DatabaseAddress, tmp_path: Path
) -> None:
    with side() as new, following(old, new, operator, module_database, tmp_path) as (running, follower):
        operator.do(publish_table, PLAN, expected=0, by="ann")
        operator.do(change_unit, "orders", by="ann", state=7)
        eventually(lambda: version(running) == 2)
        with psycopg.connect(module_database.libpq(Role.SYSTEM)) as connection:  # as a restored backup would
            connection.execute(
                "UPDATE engine.route_pointers SET version = 1, epoch = 0 WHERE org_id = %s", (operator.org,)
            )
        eventually(lambda: follower.trouble is not None)
        assert "older than 2" in (follower.trouble or "")
        with running.client() as client:
            client.post("/orders")
        assert len(new.requests) == 1


def test_a_damaged_copy_and_no_database_is_no_start(
    old: Side, operator: Operator, wire: Wire, tmp_path: Path
) -> None:
    with following(old, old, operator, wire.address, tmp_path) as (running, _):
        operator.do(publish_table, PLAN, expected=0, by="ann")
        eventually(lambda: version(running) == 1)
    file = tmp_path / "shop.json"
    document = json.loads(file.read_text())
    document["plan"]["units"][0]["state"] = 7
    file.write_text(json.dumps(document))
    with following(old, old, operator, wire.address, tmp_path) as (running, _):
        assert version(running) == 1  # the database knows better
    file.write_text("{")
    wire.cut()
    with (
        pytest.raises(TableUnreadableError),
        following(old, old, operator, wire.address, tmp_path),
    ):
        pass
