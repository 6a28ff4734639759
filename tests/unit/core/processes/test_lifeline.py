"""Nobody outlives the process that started it."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from caravan.core.processes import end_with_supervisor, lifeline

CHILD = """
import signal, sys, time
from caravan.core.processes import end_with_supervisor
sys.platform = sys.argv[2]
end_with_supervisor(signal.Signals(int(sys.argv[1])))
print("up", flush=True)
time.sleep(60)
"""
PARENT = """
import os, subprocess, sys, time
process = subprocess.Popen(
    [sys.executable, "-c", *sys.argv[1:]], stdout=subprocess.PIPE,
    env={**os.environ, "CARAVAN_PARENT": str(os.getpid())},
)
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(60)
"""


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def assert_a_child_ends_with_its_parent(number: signal.Signals, *, elsewhere: bool = False) -> None:
    platform = "darwin" if elsewhere else sys.platform
    command = [sys.executable, "-c", PARENT, CHILD, str(int(number)), platform]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert lives(child)
        parent.kill()
    deadline = time.monotonic() + 40
    while lives(child):
        assert time.monotonic() < deadline, "the child lives on"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda each: each.name)
def test_a_child_ends_with_a_parent_that_was_killed(number: signal.Signals) -> None:
    assert_a_child_ends_with_its_parent(number)


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    command = "from caravan.core.processes import end_with_parent; end_with_parent(1); print('still here')"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, check=False, timeout=60)
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda each: each.name)
def test_where_the_kernel_does_not_tell_the_parent_is_looked_at(number: signal.Signals) -> None:
    assert_a_child_ends_with_its_parent(number, elsewhere=True)
