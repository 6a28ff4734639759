"""The whole worker, as processes, on a real broker."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import pytest
import redis
import structlog
from kombu import Connection

from caravan.core.database import DatabaseAddress
from caravan.core.outbox import emit
from caravan.core.principal import Principal, PrincipalKind
from tests.fixtures.background import Background, until
from tests.fixtures.capabilities import needs, server_url

pytestmark = pytest.mark.asyncio

ORG = UUID("11111111-1111-7111-8111-111111111111")
USER = Principal(PrincipalKind.USER, id=uuid4(), org=ORG)
ROOT = Path(__file__).parents[4]


@dataclass
class Worker:
    process: subprocess.Popen[bytes]
    log: Path
    queue: str

    def tree(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, part: str) -> int:
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        pids = [
            line["pid"] for line in lines if line["event"] == "process.started" and line["process"] == part
        ]
        return int(pids[-1])


@contextmanager
def worker(address: DatabaseAddress, folder: Path, **given: object) -> Iterator[Worker]:
    queue = f"caravan-test-{uuid4().hex[:8]}"
    plan = {"url": address.url, "home": str(folder), "queue": queue, **given}
    log = folder / "worker.log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fixtures.worker_program", json.dumps(plan)],
            stdout=file,
            stderr=file,
            cwd=ROOT,
            env=environment,
        )
    running = Worker(process, log, queue)
    try:
        yield running
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def write(background: Background, name: str, **payload: object) -> UUID:
    async with background.connections.app.write(ORG) as session:
        return await emit(session, name, payload, principal=USER)


async def served(background: Background, running: Worker) -> None:
    """Wait until the queue has shown life."""

    def beaten() -> bool:
        assert running.process.poll() is None, running.log.read_text()
        return bool(
            background.ask("SELECT 1 FROM heartbeats WHERE kind = 'queue' AND name = %s", running.queue)
        )

    await until(beaten, 60)


def gone(processes: list[psutil.Process]) -> Callable[[], bool]:
    return lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes)


async def test_events_survive_workers_and_brokers_that_die(
    background: Background, valkey_socket: Path, tmp_path: Path
) -> None:
    companion = ["tests.fixtures.companions:count"]
    with worker(background.address, tmp_path, valkey=str(valkey_socket), companions=companion) as running:
        await served(background, running)

        plain = [await write(background, "test.noted", mark=f"{n:02}") for n in range(20)]
        await until(lambda: {background.state(event) for event in plain} == {"done"})
        assert sorted(background.marks("note")) == [f"{n:02}" for n in range(20)]

        died = await write(background, "test.dies", mark="d", flag=str(tmp_path / "died"))
        await until(lambda: background.state(died) == "done")
        assert (tmp_path / "died").exists()
        assert background.marks("die") == ["d"]

        worked = psutil.Process(running.child("tasks"))
        worked.suspend()
        lost = [await write(background, "test.noted", mark=f"lost {n}") for n in range(5)]
        await until(lambda: {background.state(event) for event in lost} == {"relayed"})
        with redis.Redis(unix_socket_path=str(valkey_socket)) as broker:
            broker.flushall()
        worked.resume()
        await until(lambda: {background.state(event) for event in lost} == {"done"})
        assert sorted(background.marks("note"))[20:] == [f"lost {n}" for n in range(5)]

        before = running.child("loops")
        os.kill(before, signal.SIGKILL)
        await until(lambda: running.child("loops") != before)
        after = await write(background, "test.noted", mark="after")
        await until(lambda: background.state(after) == "done")

        kinds = {kind for (kind,) in background.ask("SELECT kind FROM heartbeats")}
        assert kinds >= {"relay", "ping", "queue", "schedules", "companion"}

        processes = running.tree()
        assert len(processes) >= 4
        running.process.kill()
        running.process.wait()
        await until(gone(processes))


async def test_a_worker_exports_the_handling_of_an_event_in_the_trace_of_its_request(
    background: Background,
    valkey_socket: Path,
    tmp_path: Path,
    collector: tuple[str, list[tuple[str, bytes]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, received = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    with worker(background.address, tmp_path, valkey=str(valkey_socket), traces="otlp") as running:
        await served(background, running)
        with structlog.contextvars.bound_contextvars(traceparent=f"00-{'ab' * 16}-{'cd' * 8}-01"):
            await write(background, "test.noted", mark="traced")
        await until(lambda: any(bytes.fromhex("ab" * 16) in body for _, body in received))
    [body] = [body for _, body in received if bytes.fromhex("ab" * 16) in body]
    assert b"process test.noted" in body
    assert b"caravan-worker" in body


@needs("rabbitmq")
async def test_rabbitmq_carries_events_too(background: Background, tmp_path: Path) -> None:
    url = server_url("rabbitmq")
    with worker(background.address, tmp_path, broker=url) as running:
        try:
            await served(background, running)
            events = [await write(background, "test.noted", mark=f"{n:02}") for n in range(20)]
            await until(lambda: {background.state(event) for event in events} == {"done"})
            assert sorted(background.marks("note")) == [f"{n:02}" for n in range(20)]
            processes = running.tree()
            running.process.terminate()
            assert await asyncio.to_thread(running.process.wait, 40) == 0
            assert gone(processes)()
        finally:
            with Connection(url) as connection:
                connection.default_channel.queue_delete(running.queue)
