"""State files, process ids that are somebody else's, and ends that do not come."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from caravan.core.embedded import ServerDidNotStopError, process
from caravan.core.embedded.locks import try_exclusive
from caravan.core.embedded.process import (
    end,
    end_orphans,
    exit_code,
    is_server,
    read_state,
    server_environment,
)

SLEEP = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "postgres.state"


def test_a_state_file_is_absent_half_written_or_whole(state: Path):
    assert read_state(state).pid is None
    state.write_text('{"host": "/x"}\n')
    assert (read_state(state).pid, read_state(state).reach) == (None, {"host": "/x"})
    state.write_text('{"host": "/x"}\n123\n')
    assert read_state(state).pid == 123


def test_a_process_is_the_server_only_when_it_works_in_the_data_folder(tmp_path: Path):
    assert is_server(os.getpid(), Path.cwd())
    assert not is_server(os.getpid(), tmp_path)
    assert not is_server(2**22 + 1, tmp_path)


def test_a_dead_child_that_nobody_asked_about_is_no_server():
    child = os.posix_spawn("/bin/true", ["true"], {})
    deadline = time.monotonic() + 30
    while is_server(child, Path.cwd()) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not is_server(child, Path.cwd())
    assert exit_code(child) == 0
    assert exit_code(child) == -1


def test_a_process_whose_folder_is_hidden_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def hide(_: psutil.Process) -> str:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "cwd", hide)
    assert is_server(os.getpid(), tmp_path)


def test_a_server_that_outlives_every_signal_is_named(state: Path):
    with subprocess.Popen(SLEEP, stdout=subprocess.PIPE) as child:
        with pytest.raises(ServerDidNotStopError, match=f"Process {child.pid} did not stop"):
            end(child.pid, state, [(signal.SIGCONT, 0.02)])
        child.kill()


def test_only_those_who_work_in_the_data_folder_are_ended_as_orphans(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(process, "ORPHAN_SECONDS", 0.02)
    data = tmp_path / "postgres"
    data.mkdir()
    held = try_exclusive(state)
    assert held is not None
    with (
        subprocess.Popen(SLEEP, stdout=subprocess.PIPE, cwd=data, pass_fds=[held]) as orphan,
        subprocess.Popen(SLEEP, stdout=subprocess.PIPE, cwd=tmp_path) as stranger,
    ):
        os.close(held)
        for child in (orphan, stranger):
            assert child.stdout
            child.stdout.readline()
        end_orphans(data, state)
        assert orphan.wait(30) == -signal.SIGKILL
        assert stranger.poll() is None
        stranger.kill()


def test_a_state_file_held_by_a_stranger_is_reported(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(process, "ORPHAN_SECONDS", 0.02)
    held = try_exclusive(state)
    assert held is not None
    with pytest.raises(ServerDidNotStopError, match="still holds"):
        end_orphans(tmp_path, state)
    os.close(held)


def test_servers_do_not_inherit_what_bends_locale_or_port(monkeypatch: pytest.MonkeyPatch):
    for name in ("PGPORT", "PGDATA", "LC_ALL", "LANGUAGE"):
        monkeypatch.setenv(name, "odd")
    kept = server_environment()
    assert not {"PGPORT", "PGDATA", "LC_ALL", "LANGUAGE"} & set(kept)
    assert (kept["LANG"], kept["TZ"], kept["PATH"]) == ("C", "UTC", os.environ["PATH"])
