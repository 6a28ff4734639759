"""What `caravan up` refuses, says plainly, and leaves nothing running after."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.fixtures.command_line import Home, new_home, until
from tools.free_ports import free_port

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals and mounts")


@pytest.fixture
def small_home(tmp_path: Path) -> Iterator[Home]:
    """A home on a disk of 20 MB."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk; to enable: run the tests as root")
    with new_home() as home:
        home.path.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", home.path], check=False, capture_output=True
        )
        if mounted.returncode != 0:
            pytest.skip("needs the right to mount; to enable: run the tests as root outside of a container")
        try:
            yield home
        finally:
            subprocess.run(["umount", home.path], check=True)


def test_a_port_that_is_taken_is_named_and_nothing_is_started(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = home.caravan("up", "--port", port)
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
    assert not home.path.exists()


def test_a_full_disk_is_said_plainly(small_home: Home) -> None:
    done = small_home.caravan("up", "--port", free_port())
    assert done.returncode == 1
    assert "No space left" in done.stderr or "no space left" in done.stderr
    assert "what to do: Free some space" in done.stderr
    assert "Traceback" not in done.stderr
    assert small_home.processes() == {}


def test_a_wrong_setting_is_named_with_an_example(home: Home) -> None:
    done = home.caravan("up", CARAVAN_PROCESSES="many", DATABASE_URL="mysql://x")
    assert done.returncode == 1
    assert "CARAVAN_PROCESSES" in done.stderr
    assert "DATABASE_URL" in done.stderr
    assert "example: postgresql://" in done.stderr
    assert not home.path.exists()


def test_a_migration_file_that_is_not_there_is_wrong_use(home: Home) -> None:
    done = home.caravan("up", "--port", free_port(), "--migration", "nowhere.toml")
    assert (done.returncode, "nowhere.toml" in done.stderr) == (2, True)
    assert not home.path.exists()


def test_a_database_that_does_not_answer_is_said_plainly(home: Home) -> None:
    done = home.caravan("status", DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    assert done.returncode == 1
    assert "database_unreachable" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_start_that_is_interrupted_leaves_nothing_running(home: Home, number: signal.Signals) -> None:
    process = home.begin("up", "--port", free_port())
    until(lambda: any("postgres" in command for command in home.processes().values()), what="a server")
    process.send_signal(number)
    assert process.wait(30) == 130
    until(lambda: home.processes() == {}, what="nothing is left")
    assert not any(child.is_running() for child in psutil.Process().children() if child.pid == process.pid)
