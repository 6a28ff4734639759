"""The launcher, run as the program it is."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from caravan.core.embedded import launch
from caravan.core.embedded.identity import launcher_command

SHOW = "import os; print(os.geteuid(), os.getcwd(), os.getsid(0) == os.getpid(), oct(os.umask(0)))"


def run(plan: launch.Plan, *program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*launcher_command(json.dumps(plan)), *program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_program_runs_in_its_own_session_and_folder(tmp_path: Path):
    done = run({"folder": str(tmp_path)}, sys.executable, "-c", SHOW)
    assert done.stdout == f"{os.geteuid()} {tmp_path} True 0o77\n"


def test_a_missing_program_is_named():
    done = run({}, "/no/such/program")
    assert done.returncode == launch.NOT_EXECUTABLE
    assert "/no/such/program: " in done.stderr


def test_an_identity_that_is_refused_is_told(monkeypatch: pytest.MonkeyPatch):
    done = run({"identity": "4294967295:4294967295"}, sys.executable, "-c", SHOW)
    assert done.returncode == launch.IDENTITY_REFUSED
    assert "identity 4294967295" in done.stderr


def test_a_parent_that_died_in_between_is_noticed():
    done = run({"parent": os.getppid(), "death_signal": int(signal.SIGTERM)}, sys.executable, "-c", SHOW)
    assert (done.returncode, done.stdout) == (launch.PARENT_GONE, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes its user")
def test_root_becomes_another_user(tmp_path: Path):
    done = run({"identity": "65534:65534"}, "/bin/sh", "-c", "id -u; id -G")
    assert done.stdout == "65534\n65534\n"


def test_the_process_id_is_written_before_the_program_starts(tmp_path: Path):
    descriptor = os.open(tmp_path / "state", os.O_RDWR | os.O_CREAT)
    process = subprocess.Popen(
        [*launcher_command(json.dumps({"pid_descriptor": descriptor})), "/bin/true"], pass_fds=[descriptor]
    )
    process.wait()
    os.close(descriptor)
    assert (tmp_path / "state").read_text() == f"{process.pid}\n"


class ReplacedError(Exception):
    """Stands for exec."""


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Runs the launcher inside the test: what would change this process is only noted."""
    noted: list[tuple[object, ...]] = []

    def note(name: str):
        return lambda *arguments: noted.append((name, *arguments))

    class Libc:
        def __init__(self, *_: object, **__: object) -> None:
            for name in ("unshare", "prctl", "capset"):
                setattr(self, name, lambda *arguments, name=name: noted.append((name, *arguments)) or 0)

    def replace(*_: object) -> None:
        raise ReplacedError

    monkeypatch.setattr("ctypes.CDLL", Libc)
    monkeypatch.setattr("signal.signal", note("signal"))
    monkeypatch.setattr("signal.pthread_sigmask", note("sigmask"))
    for name in ("setsid", "umask", "chdir", "setgroups", "setgid", "setuid", "write"):
        monkeypatch.setattr(f"os.{name}", note(name))
    monkeypatch.setattr("os.execv", replace)
    return noted


def test_the_order_is_session_folder_identity_then_death_with_the_parent(in_process):
    plan: launch.Plan = {"identity": "7:8", "folder": "/x", "pid_descriptor": 3, "parent": os.getppid()}
    with pytest.raises(ReplacedError):
        launch.main([json.dumps(plan), "/bin/true"])
    names = [call[0] for call in in_process if call[0] not in ("signal", "sigmask")]
    assert names == [
        "setsid", "umask", "chdir", "write",
        "prctl", "setgroups", "setgid", "setuid", "capset", "prctl",
        "prctl",
    ]  # fmt: skip
    assert in_process[-1][1:3] == (1, signal.SIGTERM)


def test_a_namespace_maps_one_user_and_denies_groups(
    in_process, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    files: dict[str, Path] = {}

    def opened(name: str, *_: object, **__: object):
        files[name] = tmp_path / Path(name).name
        return files[name].open("w")

    monkeypatch.setattr("builtins.open", opened)
    with pytest.raises(ReplacedError):
        launch.main(['{"identity": "namespace"}', "/bin/true"])
    monkeypatch.undo()
    written = {name: path.read_text() for name, path in files.items()}
    assert written == {
        "/proc/self/setgroups": "deny",
        "/proc/self/uid_map": f"65534 {os.geteuid()} 1",
        "/proc/self/gid_map": f"65534 {os.getegid()} 1",
    }


def test_a_refused_namespace_ends_the_launcher(in_process, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: type("Libc", (), {"unshare": lambda *_: -1})())
    with pytest.raises(SystemExit) as ended:
        launch.main(['{"identity": "namespace"}'])
    assert ended.value.code == launch.IDENTITY_REFUSED


def test_without_a_program_it_only_tries_the_identity(in_process):
    with pytest.raises(SystemExit) as ended:
        launch.main(["{}"])
    assert ended.value.code == 0


def test_a_program_that_cannot_run_ends_the_launcher(in_process, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("os.execv", refuse)
    with pytest.raises(SystemExit) as ended:
        launch.main(["{}", "/no/such"])
    assert ended.value.code == launch.NOT_EXECUTABLE


def test_a_parent_that_is_gone_ends_the_launcher(in_process):
    with pytest.raises(SystemExit) as ended:
        launch.main(['{"parent": 1000000000}', "/bin/true"])
    assert ended.value.code == launch.PARENT_GONE


def test_elsewhere_than_on_linux_there_are_no_capabilities_to_keep(
    in_process, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.platform", "darwin")
    plan: launch.Plan = {"identity": "7:8", "parent": os.getppid()}
    with pytest.raises(ReplacedError):
        launch.main([json.dumps(plan), "/bin/true"])
    assert not [call for call in in_process if call[0] in ("prctl", "capset")]
