"""The worker's tree: one child for tasks, one for loops, and a silent one is killed."""

import os
import pickle
import signal
import sys
from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.core.outbox import BrokerMissingError, Policy
from caravan.core.outbox.plan import Plan
from caravan.core.outbox.silence import SilenceWatch
from caravan.core.outbox.worker import make_supervisor, run_worker, watch_silence
from caravan.core.processes import Child, Supervisor
from caravan.core.settings import Settings

SETTINGS = Settings(_env_file=None)
ADDRESS = DatabaseAddress("postgresql://nobody@127.0.0.1:1/nothing")
PLAN = Plan("tasks", SETTINGS, ADDRESS, modules=("a",))


def test_nobody_is_blamed_while_young_or_while_the_database_is_away() -> None:
    watch = SilenceWatch(ADDRESS, Policy(silence=5))
    assert not watch.is_silent(1, age=1)
    assert not watch.is_silent(1, age=100)


def test_a_worker_without_a_broker_does_not_start() -> None:
    with pytest.raises(BrokerMissingError):
        run_worker(SETTINGS, ADDRESS)


def test_the_worker_is_a_child_for_tasks_and_one_for_loops() -> None:
    tasks, loops = (pickle.loads(child.letter or b"") for child in make_supervisor(PLAN, ["b:c"]).children)  # noqa: S301 - our own
    assert (tasks.part, tasks.companions, loops.part, loops.companions) == ("tasks", (), "loops", ("b:c",))
    assert tasks.modules == loops.modules == ("a",)


def test_every_process_of_a_worker_knows_the_housekeeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[Plan] = []

    def run(supervisor: Supervisor) -> None:
        plans.extend(pickle.loads(child.letter or b"") for child in supervisor.children)  # noqa: S301 - our own

    monkeypatch.setattr(Supervisor, "run", run)
    run_worker(SETTINGS, ADDRESS, valkey_socket=tmp_path, modules=["a"], companions=["b:c"])
    assert [plan.modules for plan in plans] == [("caravan.core.schedules.housekeeping", "a")] * 2


def test_a_silent_worker_is_killed_and_a_lively_one_is_not() -> None:
    child = Child("tasks", [sys.executable, "-IS", "-c", "import time; time.sleep(60)"])
    watch_silence(child, PLAN, lambda _pid, _age: True).look()  # not started: nobody to ask about
    child.start()
    try:
        watch_silence(child, PLAN, lambda _pid, _age: False).look()
        assert child.pid is not None
        asked: list[tuple[int, float]] = []
        watch_silence(child, PLAN, lambda pid, age: not asked.append((pid, age))).look()
        assert asked[0][0] == child.process.pid if child.process else None
        assert child.ended(40) == -signal.SIGKILL
    finally:
        child.kill()
    assert os.getpid() not in {pid for pid, _ in asked}
