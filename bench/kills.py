"""A load killed at random moments and resumed, against one that ran straight through: the same rows, nothing twice.

Each kill has a seed, from which its way, its moment and its victim follow: kill -9 of the main process, kill -9 of one of its workers,
or one of its database connections cut. After the last one the load is resumed to its end.
"""

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import psutil
import psycopg

from bench.load import MIGRATION, source_of
from caravan.core.database.connection import DatabaseAddress
from caravan.core.database.migrate import migrate
from caravan.core.embedded.servers import embedded_servers

__all__ = ["Kill", "Outcome", "kill_and_resume", "load", "run"]

Way: TypeAlias = Literal["main", "worker", "connection"]
ORG: Final = UUID("019a0000-0000-7000-8000-000000000001")
_KILLS: Final = 20
_PATIENCE: Final = 120.0
_NEWEST_RUN: Final = "SELECT id FROM engine.load_runs ORDER BY created_at DESC, id DESC LIMIT 1"
_CONNECTIONS: Final = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'caravan load'"
_WAYS: Final[Sequence[Way]] = ("main", "worker", "connection")


@dataclass(frozen=True)
class Kill:
    """``code`` is what the load ended with; not ``hit`` when the moment found nothing to kill (any more)."""

    seed: int
    way: Way
    after: float
    code: int
    hit: bool


@dataclass(frozen=True)
class Outcome:
    """What must be equal, and how long it took."""

    code: int
    checksums: dict[str, str]
    read: dict[str, int]
    findings: list[dict[str, str]]
    quarantine: list[dict[str, Any]]
    seconds: float

    def differences(self, other: "Outcome") -> list[str]:
        """Return what differs; nothing when the two loads brought the same."""
        names = ("code", "checksums", "read", "findings", "quarantine")
        return [name for name in names if getattr(self, name) != getattr(other, name)]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how many kills hit, how the loads ended, and whether the rows are those of a straight load."""
    with tempfile.TemporaryDirectory() as folder, _databases(Path(folder)) as (one, other):
        source = source_of(arguments, Path(folder))
        straight = load(one, source, Path(folder) / "straight")
        longest = 1.2 * straight.seconds / _KILLS
        kills, resumed = kill_and_resume(
            other, source, Path(folder) / "killed", seeds=range(_KILLS), longest=longest
        )
    for kill in kills:
        print(json.dumps(asdict(kill)), file=sys.stderr)
    hit = [kill for kill in kills if kill.hit]
    return {
        "source": "full dump" if arguments.source else f"generated, {arguments.scale or 2000} orders",
        "kills": len(kills),
        "hit": len(hit),
        "by_way": {way: sum(kill.way == way for kill in hit) for way in _WAYS},
        "straight_seconds": round(straight.seconds, 1),
        "records": sum(straight.read.values()),
        "differences": straight.differences(resumed),
        "equal": not straight.differences(resumed),
        "rounds": [asdict(kill) for kill in kills],
    }


def load(address: DatabaseAddress, source: Path | None, home: Path) -> Outcome:
    """Load to the end; one that is still ending elsewhere is waited for."""
    began = time.monotonic()
    while True:
        finished = subprocess.run(
            _command(source), env=_environment(address, home), check=False, capture_output=True, text=True
        )
        if "load_running" not in finished.stderr or time.monotonic() - began > _PATIENCE:
            break
    if not finished.stdout:
        raise RuntimeError(finished.stderr)
    report = json.loads(finished.stdout)
    return Outcome(
        finished.returncode,
        report["checksums"],
        {name: item["read"] for name, item in report["data_sets"].items()},
        sorted(report["findings"], key=json.dumps),
        sorted(report["quarantine"], key=json.dumps),
        time.monotonic() - began,
    )


def kill_and_resume(
    address: DatabaseAddress, source: Path | None, home: Path, *, seeds: Sequence[int], longest: float
) -> tuple[list[Kill], Outcome]:
    """Kill a load once per seed, at most ``longest`` seconds after it began to load, each time resumed; then load to the end."""
    kills = [_kill_once(address, source, home, seed, longest) for seed in seeds]
    return kills, load(address, source, home)


def _kill_once(address: DatabaseAddress, source: Path | None, home: Path, seed: int, longest: float) -> Kill:
    chance = random.Random(seed)
    way = _WAYS[seed % len(_WAYS)]
    after = chance.uniform(0, longest)
    with psycopg.connect(address.libpq(None), autocommit=True) as connection:
        before = connection.execute(_NEWEST_RUN).fetchone()
        process = subprocess.Popen(
            _command(source),
            env=_environment(address, home),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _PATIENCE
        while connection.execute(_NEWEST_RUN).fetchone() == before and process.poll() is None:
            if time.monotonic() > deadline:
                raise RuntimeError("the load did not begin")
            time.sleep(0.005)
        time.sleep(after)
        hit = process.poll() is None and _strike(way, process.pid, connection, chance)
    return Kill(seed, way, round(after, 3), process.wait(_PATIENCE), hit)


def _strike(way: Way, pid: int, connection: psycopg.Connection, chance: random.Random) -> bool:
    if way == "connection":
        open_ones = [row[0] for row in connection.execute(_CONNECTIONS)]
        if open_ones:
            connection.execute("SELECT pg_terminate_backend(%s)", (chance.choice(open_ones),))
        return bool(open_ones)
    with contextlib.suppress(psutil.NoSuchProcess):
        main = psutil.Process(pid)
        victims = [main] if way == "main" else _workers(main)
        if victims:
            chance.choice(victims).kill()
            return True
    return False


def _workers(main: psutil.Process) -> list[psutil.Process]:
    """Return the workers; waits a little for those that are being started."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and main.status() != psutil.STATUS_ZOMBIE:
        found = [child for child in main.children() if "spawn_main" in " ".join(child.cmdline())]
        if found:
            return found
        time.sleep(0.02)
    return []


@contextmanager
def _databases(folder: Path) -> Iterator[tuple[DatabaseAddress, DatabaseAddress]]:
    with embedded_servers(folder / "servers", want_postgres=True, want_valkey=False) as servers:
        assert servers.postgres is not None
        server = DatabaseAddress.parse(servers.postgres.dsn())
        with psycopg.connect(server.libpq(None), autocommit=True) as connection:
            for name in ("straight", "killed"):
                connection.execute(f"CREATE DATABASE {name}".encode())
                migrate(server.named(name))
                make_org(server.named(name))
        yield server.named("straight"), server.named("killed")


def make_org(address: DatabaseAddress) -> None:
    """Make the organisation of the sample with a known id, from which the ids of all rows follow."""
    with psycopg.connect(address.libpq(None), autocommit=True) as connection:
        connection.execute("INSERT INTO organisations (id, code, name) VALUES (%s, 'demo', 'Demo')", (ORG,))


def _command(source: Path | None) -> list[str]:
    given = ["--source", str(source)] if source else []
    return [sys.executable, "-m", "caravan.entry.cli", "load", str(MIGRATION), "--json", *given]


def _environment(address: DatabaseAddress, home: Path) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": address.url, "CARAVAN_HOME": str(home)}
