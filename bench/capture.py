"""Changes followed from a running store into a PostgreSQL, one follower after the other, interleaved, on the same servers.

*Catch-up*: ``--scale`` changes (200,000 when absent) wait in the log; rows per second until all are applied, and processor time.
*Steady*: 1,000 writes a second for ``--seconds`` (30 when absent), one transaction each; lag from the write's own clock until a reader
of the target sees the row. MariaDB against a loop over ``mysql-replication``, PostgreSQL against its own logical replication. The peer
lives in an environment of its own, made for the run unless ``BENCH_PEERS`` names a Python that has it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

import psycopg

from bench.capture_followers import Caravan, Follower, LogLoop, NativeReplication
from bench.capture_stores import SUMS, PostgresStore, Store, changes_of, mariadb_store, postgres_server
from bench.processor_time import ProcessorTime
from caravan.core.database import DatabaseAddress

PEERS: Final = ("mysql-replication==1.0.17", "psycopg[binary]==3.3.9")

_CHANGES: Final = 200_000
_WRITES_PER_SECOND: Final = 1_000
_SECONDS: Final = 30.0
_LOOK_EVERY: Final = 0.002
_LATEST: Final = 30.0
Told: TypeAlias = dict[str, Any]


def run(arguments: argparse.Namespace) -> Told:
    """Return medians per store and follower, and every round."""
    transactions = _transactions(arguments.scale or _CHANGES)
    seconds = (
        _SECONDS if arguments.seconds == 5 else arguments.seconds
    )  # 5 is what is given when nothing was said
    with tempfile.TemporaryDirectory(prefix="c") as folder, ExitStack() as stack:
        home = Path(folder)
        python = _peer(home)
        target = stack.enter_context(postgres_server(home / "target"))
        mariadb = stack.enter_context(mariadb_store(home / "m"))
        postgres = PostgresStore(stack.enter_context(postgres_server(home / "source")))
        ours, plain = _databases(target)
        Caravan.make_tables(DatabaseAddress.parse(ours))
        LogLoop.make_tables(plain)
        pairs: list[tuple[Store, list[Follower]]] = [
            (
                mariadb,
                [
                    Caravan(mariadb, ours, home),
                    LogLoop(mariadb, plain, python),
                    LogLoop(mariadb, plain, python, commit_every=2_000),
                ],
            ),
            (postgres, [Caravan(postgres, ours, home), NativeReplication(postgres, plain)]),
        ]
        servers = _servers(home)
        rounds = []
        for number in range(arguments.repeat):
            for store, followers in pairs:
                for follower in followers if number % 2 == 0 else reversed(followers):
                    measured = [_catch_up(store, follower, transactions, servers)]
                    if follower.commits_at_once:
                        measured.append(_steady(store, follower, seconds, servers))
                    for told in measured:
                        rounds.append({"store": store.kind, "follower": follower.name, **told})
                        print(json.dumps(rounds[-1]), file=sys.stderr)
        versions = {
            "mariadb": mariadb.rows("SELECT version()")[0][0],
            "postgresql": postgres.rows("SHOW server_version")[0][0],
        }
    return {
        "changes": changes_of(transactions),
        "steady": {"writes_per_second": _WRITES_PER_SECOND, "seconds": seconds},
        "peers": PEERS,
        "versions": versions,
        "medians": _medians(rounds),
        "rounds": rounds,
    }


def _transactions(changes: int) -> int:
    """Return how many transactions hold about so many changes."""
    low = 0
    while changes_of(low) < changes:
        low += 250
    return low


def _catch_up(store: Store, follower: Follower, transactions: int, servers: Sequence[int]) -> Told:
    store.begin_anew()
    follower.prepare()
    store.change(transactions)
    used = ProcessorTime(servers)
    own = time.process_time()
    began = time.perf_counter()
    client = follower.catch_up()
    seconds = time.perf_counter() - began
    cpu = used.seconds() - (time.process_time() - own) + client
    _assert_equal(store, follower)
    follower.release()
    return {
        "arm": "catch-up",
        "seconds": round(seconds, 2),
        "rate": round(changes_of(transactions) / seconds),
        "cpu": round(cpu, 2),
        "client_cpu": round(client, 2),
    }


def _steady(store: Store, follower: Follower, seconds: float, servers: Sequence[int]) -> Told:
    store.begin_anew()
    follower.prepare()
    sight = _Sight(follower)
    with follower.following() as client:
        time.sleep(1)
        used, before = ProcessorTime(servers), client()
        own = time.process_time()
        with sight:
            began = time.perf_counter()
            written = _write(store, seconds)
            took = time.perf_counter() - began
            sight.await_id(max(number for number in range(written, 0, -1) if number % 5))
        cpu = used.seconds() - (time.process_time() - own) + client() - before
        rows = store.rows("SELECT id, placed FROM orders ORDER BY id")
        lags = sorted(sight.lags([(int(row[0]), _at(row[1])) for row in rows]))
    _assert_equal(store, follower)
    follower.release()
    return {
        "arm": "steady",
        "writes_per_second": round(written / took),
        "p50_ms": round(1000 * lags[len(lags) // 2], 1),
        "p99_ms": round(1000 * lags[int(len(lags) * 0.99)], 1),
        "worst_ms": round(1000 * lags[-1], 1),
        "cpu": round(cpu, 2),
    }


def _write(store: Store, seconds: float) -> int:
    """Write at the wanted rate, however long a write takes; return how many were written."""
    writer = store.writer()
    wanted = int(seconds * _WRITES_PER_SECOND)
    began = time.perf_counter()
    try:
        for number in range(1, wanted + 1):
            early = began + number / _WRITES_PER_SECOND - time.perf_counter()
            if early > 0:
                time.sleep(early)
            writer.write(number)
    finally:
        writer.close()
    return wanted


class _Sight:
    """Looks at the newest id of the target all the time, and remembers when it first saw it."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._seen: list[tuple[int, float]] = [(0, 0.0)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def await_id(self, newest: int) -> None:
        deadline = time.monotonic() + _LATEST
        while self._seen[-1][0] < newest:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self._follower.name} is still at {self._seen[-1][0]} of {newest}")
            time.sleep(0.01)

    def lags(self, written: Sequence[tuple[int, float]]) -> list[float]:
        """Return the seconds from each write to the first look that saw it."""
        ids = [number for number, _ in self._seen]
        return [self._seen[bisect_left(ids, number)][1] - at for number, at in written]

    def _look(self) -> None:
        with psycopg.connect(self._follower.target, autocommit=True) as connection:
            while not self._stop.wait(_LOOK_EVERY):
                (newest,) = connection.execute(self._follower.seen.encode()).fetchone() or (None,)
                if newest is not None and newest > self._seen[-1][0]:
                    self._seen.append((newest, time.time()))


def _at(moment: datetime) -> float:
    """Return seconds since 1970; MariaDB's driver gives UTC without saying so."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _assert_equal(store: Store, follower: Follower) -> None:
    wanted, found = store.rows(SUMS)[0], follower.sums()
    if tuple(wanted) != tuple(found):
        raise RuntimeError(f"{follower.name}: {found} where {store.kind} has {wanted}")


def _medians(rounds: Sequence[Told]) -> Told:
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for one in rounds:
        place = found.setdefault(f"{one['store']}, {one['arm']}", {}).setdefault(one["follower"], {})
        for name, value in one.items():
            if not isinstance(value, str):
                place.setdefault(name, []).append(value)
    return {
        arm: {
            follower: {name: statistics.median(values) for name, values in figures.items()}
            for follower, figures in followers.items()
        }
        for arm, followers in found.items()
    }


def _databases(target: str) -> tuple[str, str]:
    address = DatabaseAddress.parse(target)
    with psycopg.connect(target, autocommit=True) as connection:
        for name in ("ours", "plain"):
            connection.execute(f"CREATE DATABASE {name}".encode())
    return address.named("ours").url, address.named("plain").url


def _servers(home: Path) -> list[int]:
    """Return the process ids of the servers."""
    files = [*home.rglob("postmaster.pid"), *home.rglob("mariadb.pid")]
    return sorted({int(file.read_text(encoding="utf-8").split()[0]) for file in files})


def _peer(home: Path) -> str:
    """Return the Python of the peer."""
    if given := os.environ.get("BENCH_PEERS"):
        return given
    folder = home / "peer"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin/python")
    subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True, stdout=subprocess.DEVNULL)
    return python
