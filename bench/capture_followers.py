"""Who follows in ``bench.capture``: ``caravan sync``, a loop over ``pymysqlreplication``, PostgreSQL's own logical replication."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import psutil
import psycopg

from bench.capture_mapping import TARGET_TABLE
from bench.capture_stores import SUMS, MariadbStore, PostgresStore, Store
from caravan.core.database import DatabaseAddress
from caravan.core.database.migrate import migrate
from caravan.core.database.security import row_security_statements

__all__ = ["Caravan", "Follower", "LogLoop", "NativeReplication"]

_PATIENCE: Final = 600.0
_SCRIPT: Final = Path(__file__).parent / "capture_peer.py"
_PLAIN: Final = """
CREATE TABLE orders (id bigint PRIMARY KEY, customer integer NOT NULL, name text NOT NULL, note text, total numeric(18,4) NOT NULL,
    paid boolean NOT NULL, placed timestamptz NOT NULL, written timestamptz NOT NULL)
"""
_FILE: Final = """
[migration]
name = "bench"
org = "bench"
[sources.{name}]
kind = "{kind}"
url = "{url}"
[[data_sets]]
name = "orders"
source = "{name}"
collection = "orders"
mapping = "bench.capture_mapping:order"
"""


class Follower(Protocol):
    """``seen`` is the statement that tells the newest id at ``target``.

    One that does not commit at once leaves the last rows waiting where nothing comes behind them: it has no lag to measure.
    """

    name: str
    target: str
    seen: str
    commits_at_once: bool

    def prepare(self) -> None:
        """Begin at the end of the log as it is now; nothing is carried yet."""

    def catch_up(self) -> float:
        """Apply everything that waits, and return the processor time of what is no server."""

    def following(self) -> AbstractContextManager[Callable[[], float]]:
        """Carry changes while the block lasts; gives a function that tells the processor time so far."""

    def sums(self) -> tuple[Any, ...]:
        """Return the figures of ``SUMS`` at the target."""

    def release(self) -> None:
        """Give up what was prepared and empty the target."""


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _finished(process: "subprocess.Popen[str]", asked: str | None = None) -> float:
    """Wait for the end of a process, and return its processor time."""
    before = os.times()
    _, told = process.communicate(asked, timeout=_PATIENCE)
    if process.returncode != 0:
        raise RuntimeError(f"{process.args!r}: {told[-2000:]}")
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


@contextmanager
def _running(process: "subprocess.Popen[str]") -> Iterator[Callable[[], float]]:
    inside = psutil.Process(process.pid)
    try:
        yield lambda: _used(inside)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _execute(url: str, *statements: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
            found = cursor.fetchall() if cursor.description else []
    return found


@dataclass
class Caravan:
    """``caravan sync run`` as its users run it."""

    store: Store
    target: str
    home: Path
    name: str = "caravan"
    commits_at_once: bool = True
    seen: str = "SELECT max(number) FROM bench_orders"

    def __post_init__(self) -> None:
        self._file = self.home / f"{self.store.kind}.toml"
        self._file.write_text(
            _FILE.format(name=self.store.kind, kind=self.store.kind, url=self.store.url), encoding="utf-8"
        )

    @staticmethod
    def make_tables(target: DatabaseAddress) -> None:
        migrate(target)
        statements = [TARGET_TABLE, *row_security_statements("bench_orders")]
        _execute(target.url, "SET ROLE caravan_owner", *statements)

    def prepare(self) -> None:
        self.catch_up()

    def catch_up(self) -> float:
        return _finished(self._started("run", str(self._file), "--until-caught-up"))

    @contextmanager
    def following(self) -> Iterator[Callable[[], float]]:
        process = self._started("run", str(self._file))
        with _running(process) as used:
            deadline = time.monotonic() + 60
            while not _execute(self.target, "SELECT 1 FROM engine.flows WHERE state = 'running'"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("caravan sync run does not start")
                time.sleep(0.1)
            yield used

    def sums(self) -> tuple[Any, ...]:
        return _execute(self.target, SUMS.replace("id", "number").replace("orders", "bench_orders"))[0]

    def release(self) -> None:
        _finished(self._started("release", str(self._file)))
        _execute(self.target, "TRUNCATE bench_orders, engine.legacy_keys, engine.applied")

    def _started(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "caravan.entry.cli", "sync", *arguments],
            env={**os.environ, "DATABASE_URL": self.target, "CARAVAN_HOME": str(self.home)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


@dataclass
class LogLoop:
    """The loop of ``capture_peer``; ``commit_every`` rows make a transaction at the target."""

    store: MariadbStore
    target: str
    python: str
    commit_every: int = 1
    seen: str = "SELECT max(id) FROM orders"

    def __post_init__(self) -> None:
        self.name = f"mysql-replication, commit every {self.commit_every}"
        self.commits_at_once = self.commit_every == 1

    @staticmethod
    def make_tables(target: str) -> None:
        _execute(target, _PLAIN)

    def prepare(self) -> None:
        file, offset, *_ = self.store.rows("SHOW MASTER STATUS")[0]
        self._place = {"file": file, "offset": int(offset)}

    def catch_up(self) -> float:
        return _finished(self._started(), self._asked(blocking=False))

    @contextmanager
    def following(self) -> Iterator[Callable[[], float]]:
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        with _running(process) as used:
            process.stdin.write(self._asked(blocking=True))
            process.stdin.close()
            process.stdin = None
            process.stdout.readline()
            yield used

    def sums(self) -> tuple[Any, ...]:
        return _execute(self.target, SUMS)[0]

    def release(self) -> None:
        _execute(self.target, "TRUNCATE orders")

    def _started(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [self.python, str(_SCRIPT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _asked(self, *, blocking: bool) -> str:
        asked = {"socket": str(self.store.socket), **self._place, "target": self.target}
        return json.dumps({**asked, "blocking": blocking, "commit_every": self.commit_every})


@dataclass
class NativeReplication:
    """A publication and a subscription between two servers; all of it is the servers' own processor time."""

    store: PostgresStore
    target: str
    name: str = "PostgreSQL's logical replication"
    commits_at_once: bool = True
    seen: str = "SELECT max(id) FROM orders"

    def prepare(self) -> None:
        _execute(self.store.url, "CREATE PUBLICATION bench FOR TABLE orders")
        _execute(
            self.target,
            f"CREATE SUBSCRIPTION bench CONNECTION '{self.store.url}' PUBLICATION bench WITH (copy_data = false)",
            "ALTER SUBSCRIPTION bench DISABLE",
        )

    def catch_up(self) -> float:
        with self.following():
            (end,) = _execute(self.store.url, "SELECT pg_current_wal_flush_lsn()::text")[0]
            deadline = time.monotonic() + _PATIENCE
            arrived = "SELECT 1 FROM pg_replication_slots WHERE slot_name = 'bench' AND confirmed_flush_lsn >= %s::pg_lsn"
            with psycopg.connect(self.store.url, autocommit=True) as connection:
                while not connection.execute(arrived.encode(), (end,)).fetchone():
                    if time.monotonic() > deadline:
                        raise RuntimeError("the subscription does not catch up")
                    time.sleep(0.02)
        return 0.0

    @contextmanager
    def following(self) -> Iterator[Callable[[], float]]:
        _execute(self.target, "ALTER SUBSCRIPTION bench ENABLE")
        yield lambda: 0.0
        _execute(self.target, "ALTER SUBSCRIPTION bench DISABLE")

    def sums(self) -> tuple[Any, ...]:
        return _execute(self.target, SUMS)[0]

    def release(self) -> None:
        _execute(self.target, "DROP SUBSCRIPTION bench", "TRUNCATE orders")
        _execute(self.store.url, "DROP PUBLICATION bench")
