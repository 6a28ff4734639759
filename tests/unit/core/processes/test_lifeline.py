"""Nobody outlives the process that started it."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from caravan.core.processes import end_with_parent, end_with_supervisor, lifeline

PARENT = """
import os, signal, subprocess, sys, time
child = "import signal, sys, time; from caravan.core.processes import end_with_supervisor;" \\
        "end_with_supervisor(signal.Signals(int(sys.argv[1]))); print('up', flush=True); time.sleep(60)"
process = subprocess.Popen(
    [sys.executable, "-c", child, sys.argv[1]], stdout=subprocess.PIPE,
    env={**os.environ, "CARAVAN_PARENT": str(os.getpid())},
)
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(60)
"""


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda each: each.name)
def test_a_child_ends_with_a_parent_that_was_killed(number: signal.Signals) -> None:
    command = [sys.executable, "-c", PARENT, str(int(number))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert lives(child)
        parent.kill()
    deadline = time.monotonic() + 10
    while lives(child):
        assert time.monotonic() < deadline, "the child lives on"
        time.sleep(0.02)


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    command = "from caravan.core.processes import end_with_parent; end_with_parent(1); print('still here')"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, b"")


def test_without_a_supervisor_nothing_is_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(lifeline, "end_with_parent", lambda parent, _by: asked.append(parent))
    monkeypatch.delenv("CARAVAN_PARENT", raising=False)
    end_with_supervisor()
    assert asked == []


def test_the_promise_is_not_handed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, signal.Signals]] = []
    monkeypatch.setattr(lifeline, "end_with_parent", lambda parent, by: asked.append((parent, by)))
    monkeypatch.setenv("CARAVAN_PARENT", "42")
    end_with_supervisor(signal.SIGKILL)
    assert asked == [(42, signal.SIGKILL)]
    assert "CARAVAN_PARENT" not in os.environ


def test_elsewhere_the_parent_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    parents = iter([42, 42, 42])
    monkeypatch.setattr(lifeline.sys, "platform", "darwin")
    monkeypatch.setattr(lifeline, "_LOOK_EVERY", 0.001)
    monkeypatch.setattr(lifeline.os, "getppid", lambda: next(parents, 1))
    monkeypatch.setattr(lifeline.os, "kill", lambda pid, by: sent.append((pid, by)))
    end_with_parent(42, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while not sent:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert sent == [(os.getpid(), signal.SIGKILL)]
