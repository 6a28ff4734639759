"""The tap: copies reach the other process as exchanges, and nothing that happens there is felt by a client."""

import asyncio
import hashlib
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from caravan.migration.exchange import Exchange
from caravan.migration.gateway.plan import CohortKey, PlannedRoute, RoutePlan
from caravan.migration.gateway.tap import Copy
from caravan.migration.gateway.tap_socket import TapReader, TapWriter
from tests.integration.migration.gateway.running import (
    PATIENCE,
    Addressed,
    Elsewhere,
    Received,
    RunningGateway,
    Side,
    eventually,
    gateway,
)

ALL = RoutePlan(
    routes=(
        PlannedRoute(
            template="/orders",
            methods=("GET", "POST"),
            effect="read",
            sample=1,
            key=CohortKey(kind="header", name="X-User"),
        ),
        PlannedRoute(template="/quiet", effect="read"),
    ),
    sample_unknown=1,
)


class Judge:
    """Reads exchanges in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.exchanges: list[Exchange] = []
        self._path = path
        self._loop = asyncio.new_event_loop()
        self._reading: asyncio.Task[None] | None = None
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(PATIENCE)

    def _run(self, started: threading.Event) -> None:
        async def read() -> None:
            self._reading = asyncio.current_task()
            async with TapReader(self._path) as exchanges:
                started.set()
                async for exchange in exchanges:
                    self.exchanges.append(exchange)

        with pytest.raises(asyncio.CancelledError):
            self._loop.run_until_complete(read())
        self._loop.close()

    def close(self) -> None:
        assert self._reading is not None
        self._loop.call_soon_threadsafe(self._reading.cancel)
        self._thread.join(PATIENCE)


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        yield Path(folder) / "tap"


@contextmanager
def tapped(old: Addressed, path: Path, *, heard: bool = True, **bounds: int) -> Iterator[RunningGateway]:
    with gateway(old) as running:

        async def make() -> TapWriter:
            return TapWriter(path, **bounds)

        counted = REGISTRY.get_sample_value("caravan_gateway_events_total", {"event": "tap_dropped"})
        running.dropped_before = int(counted or 0)
        writer = running.run(make())
        running.call(lambda: setattr(running.server.path, "tap", writer))
        running.use(ALL)
        eventually(lambda: writer.room is heard)
        try:
            yield running
        finally:
            running.run(writer.close())


def test_an_exchange_arrives_as_it_was_on_the_wire(old: Side, path: Path) -> None:
    old.script = lambda request: request.answer(b"\x00answer", status="201 Made", headers=b"X-A: \xe4\r\n")
    judge = Judge(path)
    with tapped(old, path) as running, running.client() as client:
        client.post("/orders?a=%20b", b"question", headers=b"x-Odd: 1\r\nX-User: ann\r\nX-Odd: 2\r\n")
        client.get("/quiet")
        (exchange,) = eventually(lambda: judge.exchanges)
    judge.close()

    request, answer = exchange.request, exchange.answer
    assert (request.method, request.target, request.path, request.query) == (
        "POST",
        "/orders?a=%20b",
        "/orders",
        "a=%20b",
    )
    assert request.headers == (
        ("Host", "shop.example"),
        ("Content-Length", "8"),
        ("x-Odd", "1"),
        ("X-User", "ann"),
        ("X-Odd", "2"),
    )
    assert (request.body.content, answer.body.content) == (b"question", b"\x00answer")
    assert (answer.status, answer.headers[1]) == (201, ("X-A", "\xe4"))
    assert 0 <= answer.seconds < PATIENCE
    assert exchange.client == "key:" + hashlib.sha256(b"ann").hexdigest()[:32]
    assert exchange.tags == ("side:old", f"request:{exchange.id}")
    assert abs(exchange.at.timestamp() - time.time()) < 30


def test_of_a_long_body_length_and_hash_remain(old: Side, path: Path) -> None:
    long = b"0123456789abcdef" * 70_000
    old.script = lambda request: request.answer(long)
    judge = Judge(path)
    with tapped(old, path) as running, running.client() as client:
        assert client.post("/orders", long).body == long
        (exchange,) = eventually(lambda: judge.exchanges)
    judge.close()

    for body in (exchange.request.body, exchange.answer.body):
        assert (body.content, body.length, body.sha256) == (None, len(long), hashlib.sha256(long).digest())


def dropped(running: RunningGateway) -> int:
    """Return how many copies were not made or not kept, those handed over to the metrics among them."""
    name = "caravan_gateway_events_total"
    counted = REGISTRY.get_sample_value(name, {"event": "tap_dropped"}) or 0.0
    return int(counted) - running.dropped_before + running.server.path.counts.tap_dropped


def test_without_a_reader_clients_are_served_and_copies_dropped(old: Side, path: Path) -> None:
    with tapped(old, path, heard=False) as running, running.client() as client:
        for _ in range(20):
            assert client.get().status == 200
        eventually(lambda: running.server.path.connections == 1)
        assert dropped(running) == 20


def test_a_reader_that_never_reads_costs_copies_only(old: Side, path: Path) -> None:
    old.script = lambda request: request.answer(b"x" * 100_000)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with tapped(old, path, size=1_000_000) as running, running.client() as client:
            stuck, _ = listener.accept()
            began = time.monotonic()
            for _ in range(60):
                assert client.get().status == 200
            assert time.monotonic() - began < PATIENCE
            assert dropped(running) > 20
            stuck.close()
            assert client.get().status == 200


def test_a_reader_that_comes_back_is_found_again(old: Side, path: Path) -> None:
    judge = Judge(path)
    with tapped(old, path) as running, running.client() as client:
        client.get()
        eventually(lambda: judge.exchanges)
        judge.close()
        again = Judge(path)
        eventually(lambda: client.get().status == 200 and again.exchanges)
        again.close()


def test_only_whole_answers_are_copied(old: Side) -> None:
    class Kept:
        room = True

        def __init__(self) -> None:
            self.copies: list[Copy] = []

        def offer(self, copy: Copy) -> bool:
            self.copies.append(copy)
            return True

    kept = Kept()

    def script(request: Received) -> bool:
        request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        return False

    old.script = script
    with gateway(old, tap=kept) as running:
        running.use(ALL)
        with running.client() as client, pytest.raises((EOFError, ConnectionError)):
            client.get()
    assert not kept.copies


def test_a_side_that_does_not_answer_is_told_without_an_answer(path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        dead = Elsewhere(f"http://127.0.0.1:{gone.getsockname()[1]}")
    judge = Judge(path)
    with tapped(dead, path) as running, running.client() as client:
        assert client.get().status == 502
        (exchange,) = eventually(lambda: judge.exchanges)
    judge.close()
    assert (exchange.answer.status, exchange.answer.failure) == (0, "no answer")
    assert exchange.tags[0] == "side:old"
