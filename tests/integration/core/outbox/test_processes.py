"""The inside of a worker's processes."""

import asyncio
import os
import signal
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from celery import Celery, signals

from caravan.core.database import DatabaseAddress
from caravan.core.outbox import EventRef, Policy, current_settings
from caravan.core.outbox import worker_process as module
from caravan.core.outbox.plan import Plan
from caravan.core.outbox.process import run_loops
from caravan.core.outbox.silence import SilenceWatch
from caravan.core.outbox.surroundings import worker_settings
from caravan.core.outbox.worker_process import WorkerProcess, prepare_processes, process_name
from caravan.core.settings import Settings
from tests.fixtures.background import QUICK, ask, until
from tests.fixtures.own_copy import own_copy

ORG = UUID("11111111-1111-7111-8111-111111111111")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SETTINGS = Settings(_env_file=None, idempotency_hours=7)


def write_row(address: DatabaseAddress, name: str) -> EventRef:
    ref = EventRef(ORG, uuid4(), name)
    ask(
        address,
        "INSERT INTO outbox (org_id, id, name, payload, principal) VALUES (%s, %s, %s, '{\"mark\": \"x\"}', 'user')",
        ref.org,
        ref.id,
        name,
    )
    return ref


def test_a_process_handles_events_on_one_loop_and_shows_life(effects_database: DatabaseAddress) -> None:
    work = WorkerProcess(SETTINGS, effects_database, QUICK, "host:1")
    refs = [write_row(effects_database, "test.noted") for _ in range(3)]
    before = worker_settings.get()
    try:
        for ref in refs:
            work.handle(ref)
        assert current_settings() is SETTINGS
        work.show_life(NOW)
        work.show_life(NOW - timedelta(hours=1))
    finally:
        work.close()
        work.close()
        worker_settings.set(before)
    assert ask(effects_database, "SELECT count(*) FROM effects") == [(3,)]
    beats = ask(effects_database, "SELECT kind, name, process FROM heartbeats ORDER BY kind")
    assert beats == [("passed", "caravan", ""), ("queue", "caravan", "host:1")]
    assert ask(effects_database, "SELECT seen_at FROM heartbeats WHERE kind = 'passed'") == [(NOW,)]


def test_processes_open_after_fork_and_close_at_their_end(
    effects_database: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(module, "end_with_parent", lambda parent, by: seen.append((parent, by)))
    receivers = {
        each: list(each.receivers or [])
        for each in (signals.worker_process_init, signals.worker_process_shutdown, signals.setup_logging)
    }

    class Recorded(WorkerProcess):
        def open(self) -> None:
            seen.append("open")

        def close(self) -> None:
            seen.append("close")

    try:
        prepare_processes(Celery("x", set_as_current=False), Recorded(SETTINGS, effects_database, QUICK, "x"))
        signals.worker_process_init.send(sender=None)
        monkeypatch.setattr(module, "os", own_copy(os, getpid=lambda: -1))
        signals.worker_process_init.send(sender=None)
        signals.worker_process_shutdown.send(sender=None)
    finally:
        monkeypatch.undo()
        for each, known in receivers.items():
            each.receivers = known
    assert seen == ["open", (os.getpid(), signal.SIGKILL), "open", "close"]


def test_a_process_is_named_by_host_and_number() -> None:
    assert process_name() == f"{socket.gethostname()}:{os.getpid()}"


@pytest.mark.asyncio
async def test_the_loops_run_until_a_signal(effects_database: DatabaseAddress, valkey_socket: Path) -> None:
    plan = Plan(
        "loops",
        SETTINGS,
        effects_database,
        valkey_socket,
        QUICK,
        companions=["tests.fixtures.companions:count"],
    )
    task = asyncio.create_task(run_loops(plan))
    await until(lambda: len(ask(effects_database, "SELECT DISTINCT kind FROM heartbeats")) == 4)
    assert not task.done()  # or nobody would listen to the signal
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(task, 30)


@pytest.mark.asyncio
async def test_a_companion_that_ends_by_itself_ends_the_process_to_be_started_anew(
    effects_database: DatabaseAddress, valkey_socket: Path
) -> None:
    plan = Plan(
        "loops",
        SETTINGS,
        effects_database,
        valkey_socket,
        QUICK,
        companions=["tests.fixtures.companions:end"],
    )
    with pytest.raises(ExceptionGroup) as failed:
        await asyncio.wait_for(run_loops(plan), 40)
    assert "tests.fixtures.companions:end ended by itself" in str(failed.value.exceptions)


@pytest.mark.parametrize(
    ("pinged", "served", "silent"),
    [
        ("1 s", "90 s", True),
        ("1 s", None, True),
        ("1 s", "3 s", False),
        ("90 s", "90 s", False),
        (None, None, False),
    ],
)
def test_a_worker_is_silent_when_heartbeats_are_sent_and_it_runs_none(
    effects_database: DatabaseAddress, pinged: str | None, served: str | None, silent: bool
) -> None:
    host = socket.gethostname()
    for kind, process, age in (
        ("ping", "relay", pinged),
        ("queue", f"{host}:7", served),
        ("queue", f"{host}:8", "0 s"),
    ):
        if age is not None:
            ask(
                effects_database,
                "INSERT INTO heartbeats VALUES (%s, 'caravan', %s, now() - %s::interval, false)",
                kind,
                process,
                age,
            )
    watch = SilenceWatch(effects_database, Policy(heartbeat=10, silence=60))
    assert watch.is_silent(7, age=61) is silent
    assert not watch.is_silent(7, age=59)
