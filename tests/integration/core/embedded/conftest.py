"""Homes with short paths, and other Caravan processes that use them."""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from caravan.core.embedded import EmbeddedPostgres, EmbeddedValkey
from caravan.core.embedded.binaries import find_postgres
from caravan.core.embedded.cluster import make_cluster

OTHER_PROCESS = """
import sys, time
from pathlib import Path
from caravan.core.embedded import embedded_servers
home, which, die = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "die"
try:
    with embedded_servers(
        home, want_postgres="p" in which, want_valkey="v" in which, die_with_parent=die, durable=False,
    ):
        print("up", flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def processes_in(home: Path) -> list[int]:
    """The processes that work somewhere below ``home``."""
    return [
        process.pid
        for process in psutil.process_iter(["pid", "cwd"])
        if process.info["cwd"] and Path(process.info["cwd"]).is_relative_to(home.resolve())
    ]


def wait_for_nobody(home: Path, seconds: float = 30.0) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := processes_in(home)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


@pytest.fixture
def home() -> Iterator[Path]:
    """A ``.caravan`` folder with a path short enough for sockets; nothing may be left running in it."""
    base = Path(tempfile.mkdtemp(prefix="cv"))
    yield base / ".caravan"
    left = wait_for_nobody(base)  # a server that was told to stop needs a moment on a busy machine
    for pid in left:
        psutil.Process(pid).kill()
    shutil.rmtree(base)
    assert not left, "a test left server processes behind"


@pytest.fixture(scope="session")
def made_cluster() -> Iterator[Path]:
    """A fresh data folder, made once per run: initdb is the slow part."""
    base = Path(tempfile.mkdtemp(prefix="cv"))
    make_cluster(base / "postgres", find_postgres(), durable=False)
    yield base / "postgres"
    shutil.rmtree(base)


@pytest.fixture
def made_home(home: Path, made_cluster: Path) -> Path:
    """A home with a fresh database that was never started."""
    home.mkdir(mode=0o700)
    shutil.copytree(made_cluster, home / "postgres")
    return home


@pytest.fixture
def postgres(made_home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(made_home, durable=False, die_with_parent=True)
    yield server
    server.stop()


@pytest.fixture
def valkey(home: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(home, die_with_parent=True)
    yield server
    server.stop()


@pytest.fixture
def other_process(made_home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts another Caravan process that uses the servers of ``made_home``; it is up when the call returns."""
    started: list[subprocess.Popen[str]] = []

    def start(which: str = "p", die: str = "stay") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", OTHER_PROCESS, str(made_home), which, die],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
