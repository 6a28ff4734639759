"""Children are started, started again, and none is left."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from caravan.core.processes import Child, ChildKeepsDyingError, Supervisor, Watch
from caravan.core.processes import child as child_module

PROGRAM = """
import json, os, subprocess, sys, time
letter = sys.stdin.buffer.read().decode()
helper = subprocess.Popen([sys.executable, "-IS", "-c", "import time; time.sleep(60)"])
with open(sys.argv[1], "a") as file:
    file.write(json.dumps([letter, os.getpid(), helper.pid, os.environ.get("CARAVAN_PARENT")]) + "\\n")
print("last words of", letter, flush=True)
time.sleep(60 if sys.argv[2] == "stays" else 0)
sys.exit(7)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def until(holds: Callable[[], object], patience: float = 40) -> None:
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, "still not so"
        time.sleep(0.02)


class Notes:
    """What children wrote about themselves: letter, process id, the id of their own child, and who they think started them."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self) -> list[list[object]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    def pids(self) -> list[int]:
        return [pid for note in self() for pid in note[1:3] if isinstance(pid, int)]


def child(
    name: str, notes: Notes, manner: str = "stays", *, deaf: bool = False, log: Path | None = None
) -> Child:
    command = [sys.executable, "-IS", "-c", (DEAF if deaf else "") + PROGRAM, str(notes.file), manner]
    return Child(name, command, letter=name.encode(), log=log)


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Notes]:
    found = Notes(tmp_path / "notes")
    yield found
    until(lambda: not any(lives(pid) for pid in found.pids()))


@contextmanager
def running(supervisor: Supervisor) -> Iterator[None]:
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield
    finally:
        supervisor.stop()
        thread.join(40)
        assert not thread.is_alive()


@pytest.mark.parametrize("deaf", [False, True], ids=["polite", "deaf"])
def test_at_the_end_no_process_is_left(notes: Notes, deaf: bool) -> None:
    with running(Supervisor([child("one", notes, deaf=deaf), child("two", notes, deaf=deaf)], grace=0.3)):
        until(lambda: len(notes()) == 2)
        assert {note[0] for note in notes()} == {"one", "two"}
        assert {note[3] for note in notes()} == {str(os.getpid())}
        assert all(lives(pid) for pid in notes.pids())


def test_a_child_that_dies_is_started_again_and_takes_its_own_children_along(notes: Notes) -> None:
    with running(
        Supervisor([child("stays", notes), child("leaves", notes, "leaves")], patience=None, grace=0.3)
    ):
        until(lambda: [note[0] for note in notes()].count("leaves") >= 3)
        first = next(note for note in notes() if note[0] == "leaves")
        assert isinstance(first[2], int)
        until(lambda: not lives(int(str(first[2]))))
        assert [note[0] for note in notes()].count("stays") == 1


def test_a_child_that_keeps_dying_ends_it_all_with_its_last_words(notes: Notes, tmp_path: Path) -> None:
    children = [child("stays", notes), child("dies", notes, "leaves", log=tmp_path / "log" / "dies.log")]
    with pytest.raises(ChildKeepsDyingError, match=r"dies ended 2 times in a row, last with code 7") as told:
        Supervisor(children, patience=2, grace=0.3).run()
    assert "last words of dies" in told.value.message
    assert str(tmp_path / "log" / "dies.log") in told.value.message


def test_watches_are_looked_after_between_the_children(notes: Notes) -> None:
    often: list[float] = []
    seldom: list[float] = []
    watches = [
        Watch(0.05, lambda: often.append(time.monotonic())),
        Watch(60, lambda: seldom.append(time.monotonic())),
    ]
    with running(Supervisor([child("one", notes)], watches=watches, grace=0.3)):
        until(lambda: len(often) >= 3 and notes())
    assert len(seldom) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
def test_a_signal_ends_it_and_handlers_are_given_back(notes: Notes, number: signal.Signals) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    supervisor = Supervisor([child("one", notes)], grace=0.3)
    supervisor.run(lambda: os.kill(os.getpid(), number))
    assert supervisor.stopping
    assert {each: signal.getsignal(each) for each in before} == before


def test_under_nohup_the_end_of_the_terminal_ends_nothing(notes: Notes) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        supervisor = Supervisor([child("one", notes)], grace=0.3)

        def hang_up_then_stop() -> None:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not supervisor.stopping
            supervisor.stop()

        supervisor.run(hang_up_then_stop)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_interrupt_is_heard_also_where_a_script_had_it_ignored(notes: Notes) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        supervisor = Supervisor([child("one", notes)], grace=0.3)
        supervisor.run(lambda: os.kill(os.getpid(), signal.SIGINT))
        assert supervisor.stopping
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_fails_after_the_start_leaves_nobody(notes: Notes) -> None:
    def fail() -> None:
        until(notes)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        Supervisor([child("one", notes)], grace=0.3).run(fail)
    until(lambda: not any(lives(pid) for pid in notes.pids()))


def test_nobody_is_started_again_once_it_stops(notes: Notes) -> None:
    supervisor = Supervisor([child("leaves", notes, "leaves")], grace=0.3)

    def stop_then_look() -> None:
        until(notes)
        supervisor.stop()
        time.sleep(0.1)
        supervisor.look_after()

    supervisor.run(stop_then_look)
    assert len(notes()) == 1


def test_a_long_log_becomes_old_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "_LONGEST_LOG", 10)
    log = tmp_path / "log"
    log.write_text("more than ten bytes")
    one = Child("one", [sys.executable, "-IS", "-c", "print('fresh')"], log=log)
    one.start()
    assert one.ended(40) == 0
    assert (tmp_path / "log.old").read_text() == "more than ten bytes"
    assert log.read_text() == "fresh\n"


def test_a_child_that_was_never_started_has_no_pid_and_nothing_to_end() -> None:
    one = Child("one", ["true"])
    one.terminate()
    one.kill()
    assert (one.pid, one.ended(), one.last_words()) == (None, 0, "")
