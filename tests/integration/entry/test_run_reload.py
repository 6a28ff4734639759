"""`caravan run` starts without its database, takes it when it comes, and reads its file again at SIGHUP."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import psutil
import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from tests.integration.migration.conductor.conducting import ORDERS, saying
from tests.integration.migration.gateway.running import eventually, side
from tools.free_ports import free_port

FILE = """
[migration]
name = "shop"
org = "retail"
[legacy]
base_url = "{old}"
[new]
base_url = "{new}"
[gateway]
listen = "127.0.0.1:{port}"
[[routes]]
template = "/orders"
effect = "read"
"""


class Door:
    """A port in front of the database's Unix socket, closed until it is opened."""

    def __init__(self, address: DatabaseAddress, port: int) -> None:
        self._address, self._port = address, port
        self._open: list[socket.socket] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        parts = urlsplit(self._address.url)
        return f"postgresql://{parts.username or ''}@127.0.0.1:{self._port}{parts.path}"

    def open(self) -> None:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _connect(self) -> socket.socket:
        parts = urlsplit(self._address.url)
        query = parse_qs(parts.query)
        number = (query.get("port") or ["5432"])[0]
        if "host" in query:
            there = socket.socket(socket.AF_UNIX)
            there.connect(f"{query['host'][0]}/.s.PGSQL.{number}")
            return there
        return socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 5432))

    def _serve(self) -> None:
        pairs: dict[socket.socket, socket.socket] = {}
        with closing(socket.create_server(("127.0.0.1", self._port))) as listening:
            while not self._stop.is_set():
                for ready in select.select([listening, *pairs], [], [], 0.1)[0]:
                    if ready is listening:
                        here, there = listening.accept()[0], self._connect()
                        pairs[here], pairs[there] = there, here
                    elif ready in pairs:
                        self._pass_on(ready, pairs)
        for one in pairs:
            one.close()

    def _pass_on(self, one: socket.socket, pairs: dict[socket.socket, socket.socket]) -> None:
        other = pairs[one]
        with suppress(OSError):
            if data := one.recv(65_536):
                other.sendall(data)
                return
        for each in (one, other):
            del pairs[each]
            each.close()

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(20)


@pytest.fixture
def door(own_database: DatabaseAddress) -> Iterator[Door]:
    made = Door(own_database, free_port())
    yield made
    made.close()


@contextmanager
def running(file: Path, url: str, folder: Path) -> Iterator[Callable[[], str]]:
    """Give what it has logged; the process is ended in order."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "CARAVAN_HOME": str(folder / "home"),
        "CARAVAN_GATEWAY_TAP": str(folder / "tap"),
        "CARAVAN_GATEWAY_ADMIN_PORT": str(free_port()),
        "CARAVAN_CONDUCTOR_ADMIN_PORT": str(free_port()),
    }
    command = [sys.executable, "-m", "caravan.entry.cli", "run", str(file), "--no-console"]
    log = folder / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(command, env=environment, stdout=written, stderr=written)
    (folder / "pid").write_text(str(process.pid))
    try:
        yield lambda: log.read_text(encoding="utf-8")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert process.returncode == 0, log.read_text(encoding="utf-8")


def conductors(pid: int) -> list[int]:
    found = []
    for one in psutil.Process(pid).children():
        with suppress(psutil.Error):  # it may just have ended
            found += [one.pid] if "caravan.entry.conductor" in one.cmdline() else []
    return found


def test_it_starts_without_its_database_and_takes_the_file_anew_at_sighup(
    own_database: DatabaseAddress, door: Door, tmp_path: Path
) -> None:
    def published() -> list[tuple[int, int]]:
        with psycopg.connect(own_database.url, autocommit=True) as connection:
            statement = "SELECT version, jsonb_array_length(jsonb_path_query_first(document, '$.**.routes')) FROM engine.route_tables ORDER BY version"
            return connection.execute(statement).fetchall()

    with side(saying(ORDERS)) as old, side(saying(ORDERS)) as new, httpx2.Client(trust_env=False) as client:
        port = free_port()
        file = tmp_path / "migration.toml"
        text = FILE.format(old=old.url, new=new.url, port=port)
        file.write_text(text, encoding="utf-8")
        with running(file, door.url, tmp_path) as logged:

            def answers() -> bool:
                with suppress(httpx2.HTTPError):
                    return client.get(f"http://127.0.0.1:{port}/orders").status_code == 200
                return False

            eventually(lambda: "run.database_away" in logged())
            eventually(answers)
            door.open()
            eventually(lambda: "run.database_there" in logged())
            eventually(lambda: published() == [(1, 1)])

            hang_up = int((tmp_path / "pid").read_text())
            before = eventually(lambda: conductors(hang_up))
            file.write_text(text.replace("effect", "efect"), encoding="utf-8")
            os.kill(hang_up, signal.SIGHUP)
            eventually(lambda: "run.file_refused" in logged())
            more = '[[routes]]\ntemplate = "/more"\neffect = "read"\n'
            changed = text.replace(f":{port}", f":{port + 1}") + more
            file.write_text(changed, encoding="utf-8")
            os.kill(hang_up, signal.SIGHUP)
            eventually(lambda: "run.file_read" in logged())
            assert "gateway.listen" in logged()
            assert published()[-1] == (2, 2)
            eventually(lambda: conductors(hang_up) not in ([], before))
            assert answers()


def test_a_database_that_refuses_us_is_told_and_not_waited_for(
    own_database: DatabaseAddress, tmp_path: Path
) -> None:
    file = tmp_path / "migration.toml"
    file.write_text(
        FILE.format(old="http://127.0.0.1:1", new="http://127.0.0.1:1", port=free_port()), encoding="utf-8"
    )
    environment = {
        **os.environ,
        "DATABASE_URL": own_database.named("nowhere").url,
        "CARAVAN_HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", "caravan.entry.cli", "run", str(file), "--no-console"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert 'database "nowhere" does not exist' in done.stderr
