"""One large table into PostgreSQL: Caravan with ledger, quarantine and verification, pgloader, Sling, and ``COPY`` alone as the floor.

``--scale`` rows (2 M when absent) of 8 columns, from MariaDB and from SQLite, tool after tool, interleaved. Then a load of Caravan is
killed in its middle and run again. Sling is installed for the run unless ``LOAD_PEERS`` names a folder that has ``sling/bin/sling``;
pgloader is the system's, and is left out where there is none.
"""

import argparse
import json
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import psycopg
import pymysql

from bench.load_tables import (
    MARIADB_FILL,
    MARIADB_TABLE,
    POSTGRES_TABLE,
    SQLITE_FILL,
    SQLITE_TABLE,
    TARGET,
    write_migration,
)
from bench.private_mariadb import private_mariadb
from bench.tool_run import run_tool
from caravan.core.database.connection import DatabaseAddress, Role
from caravan.core.database.security import grant_statements, row_security_statements
from caravan.core.embedded.servers import embedded_servers
from caravan.migration.mapping.registry import load_mapping
from caravan.migration.mapping.table_statements import table_statements

__all__ = ["run"]

SLING: Final = "sling-linux-amd64==1.4.11"
_ROWS: Final = 2_000_000
_EMPTIED: Final = (
    TARGET, "floor.orders", "engine.ledger", "engine.legacy_keys", "engine.packed_keys", "engine.load_runs",
    "engine.quarantine", "engine.findings", "engine.dangling_references",
)  # fmt: skip
Told: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """The servers of a run. ``source`` is ``mariadb`` or ``sqlite``."""

    home: Path
    source: str
    socket: Path
    port: int
    url: str
    postgres: dict[str, Any]
    servers: tuple[int, ...]
    sling: str | None
    rows: int

    @property
    def module(self) -> str:
        return f"bench_{self.source}"

    @property
    def folder(self) -> Path:
        return self.home / self.source

    @property
    def sqlite(self) -> Path:
        return self.home / "orders.sqlite"

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(**self.postgres, autocommit=True)

    def command(self, *words: str) -> tuple[list[str], dict[str, str]]:
        """Return the command line and the environment of Caravan."""
        environment = {
            "DATABASE_URL": self.url,
            "CARAVAN_HOME": str(self.home / "caravan"),
            "PYTHONPATH": os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")]),
        }
        return [sys.executable, "-m", "caravan.entry.cli", *words], environment


def run(arguments: argparse.Namespace) -> Told:
    """Return the figures of each tool by source, their medians, and the load that was killed."""
    rows = arguments.scale or _ROWS
    with tempfile.TemporaryDirectory(prefix="l") as folder, ExitStack() as stack:
        home = Path(folder)
        sling = _sling(home)
        servers = stack.enter_context(embedded_servers(home / "pg", want_postgres=True, want_valkey=False))
        mariadb = stack.enter_context(private_mariadb(home / "m"))
        assert servers.postgres is not None
        given = psycopg.conninfo.conninfo_to_dict(servers.postgres.dsn())
        postgres: dict[str, Any] = {
            key: value for key, value in given.items() if key in {"host", "port", "user", "dbname"}
        }
        url = DatabaseAddress.parse(servers.postgres.dsn()).url
        pids = _pids(home)
        found: Told = {"rows": rows, "sling": SLING, "pgloader": _version("pgloader", "--version")}
        for source in ("mariadb", "sqlite"):
            place = Place(home, source, mariadb.socket, mariadb.port, url, postgres, pids, sling, rows)
            _prepare(place)
            found[source] = _rounds(place, arguments.repeat)
            found[source]["killed"] = _killed(place)
    return found


def _rounds(place: Place, repeat: int) -> Told:
    arms: dict[str, Callable[[Place], Told]] = {
        "caravan": _caravan,
        "pgloader": _pgloader,
        "sling": _sling_run,
    }
    if place.source == "mariadb":
        arms["floor"] = _floor
    rounds = []
    for number in range(repeat):
        for name in list(arms) if number % 2 == 0 else reversed(list(arms)):
            _empty(place)
            told = {"tool": name, **arms[name](place)}
            rounds.append(told)
            print(json.dumps({"source": place.source, **told}), file=sys.stderr)
    return {"median": {name: _median(rounds, name) for name in arms}, "rounds": rounds}


def _median(rounds: list[Told], name: str) -> Told:
    own = [one for one in rounds if one["tool"] == name and one.get("exit_code") == 0]
    figures = ("seconds", "rows_per_second", "rows_per_processor_second", "tool_processor_seconds", "server_processor_seconds", "peak_mib")  # fmt: skip
    return {figure: statistics.median(one[figure] for one in own) for figure in figures} if own else {}


def _caravan(place: Place) -> Told:
    command, environment = place.command("load", str(place.folder / "migration.toml"), "--json")
    done = run_tool(command, place.servers, place.home / "caravan.log", environment)
    told = done.told(place.rows)
    if done.code != 0:
        return {**told, "said": done.said}
    with place.connect() as connection:
        row = connection.execute(f"SELECT count(*) FROM {TARGET}".encode()).fetchone()  # noqa: S608 - ours
    return {**told, "arrived": row[0] if row else 0}


def _pgloader(place: Place) -> Told:
    program = shutil.which("pgloader")
    if program is None:
        return {"exit_code": -1, "said": "not installed"}
    into = f"postgresql://{place.postgres['user']}@unix:{place.postgres['host']}:{place.postgres['port']}/{place.postgres['dbname']}"
    if place.source == "mariadb":
        source = f"DATABASE FROM mysql://root@127.0.0.1:{place.port}/bench"
        options = "include drop, create tables, create indexes, reset sequences"
        after = "ALTER SCHEMA 'bench' RENAME TO 'pgloader'"
    else:
        source = f"DATABASE FROM sqlite://{place.sqlite}"
        options = "include drop, create tables, create indexes, reset sequences"
        after = ""
    script = place.home / "pgloader.load"
    script.write_text(f"LOAD {source} INTO {into} WITH {options} {after};\n", encoding="utf-8")
    done = run_tool([program, str(script)], place.servers, place.home / "pgloader.log")
    told = done.told(place.rows)
    schema = "pgloader" if place.source == "mariadb" else "public"
    arrived = _count_and_drop(place, f"{schema}.orders")
    return {
        **told,
        "arrived": arrived,
        **({} if arrived == place.rows else {"said": done.said, "exit_code": 1}),
    }


def _sling_run(place: Place) -> Told:
    if place.sling is None:
        return {"exit_code": -1, "said": "not installed"}
    host = quote(str(place.postgres["host"]), safe="")
    environment = {
        "SOURCE": f"mysql://root@127.0.0.1:{place.port}/bench"
        if place.source == "mariadb"
        else f"sqlite://{place.sqlite}",
        "TARGET": f"postgresql://{place.postgres['user']}@/{place.postgres['dbname']}?host={host}&port={place.postgres['port']}&sslmode=disable",
        "SLING_HOME_DIR": str(place.home / "sling-home"),
    }
    stream = "bench.orders" if place.source == "mariadb" else "main.orders"
    command = [place.sling, "run", "--src-conn", "SOURCE", "--src-stream", stream, "--tgt-conn", "TARGET",
               "--tgt-object", "sling.orders", "--mode", "full-refresh"]  # fmt: skip
    with place.connect() as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS sling")
    done = run_tool(command, place.servers, place.home / "sling.log", environment)
    arrived = _count_and_drop(place, "sling.orders")
    told = done.told(place.rows)
    return {
        **told,
        "arrived": arrived,
        **({} if arrived == place.rows else {"said": done.said, "exit_code": 1}),
    }


def _floor(place: Place) -> Told:
    """What both stores can do with nobody between them: text out, text in, no keys."""
    port = place.postgres["port"]
    script = (
        f"mariadb --no-defaults --quick --batch --skip-column-names --socket={place.socket} --user=root bench"  # noqa: S608 - ours
        " -e \"SELECT id, customer, name, IFNULL(note, '\\\\N'), total, paid, placed, state FROM orders\" --raw"
        f" | psql -q -h {place.postgres['host']} -p {port} -U {place.postgres['user']} {place.postgres['dbname']}"
        " -c 'COPY floor.orders FROM STDIN'"
    )
    done = run_tool(["bash", "-o", "pipefail", "-c", script], place.servers, place.home / "floor.log")
    return done.told(place.rows) | ({} if done.code == 0 else {"said": done.said})


def _killed(place: Place) -> Told:
    """Kill the load with half of its rows committed, and run it again."""
    _empty(place)
    command, environment = place.command("load", str(place.folder / "migration.toml"), "--json")
    with (place.home / "killed.log").open("wb") as log, place.connect() as connection:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=log, stderr=log, start_new_session=True
        )
        proven = 0
        while process.poll() is None and proven < place.rows // 2:
            row = connection.execute("SELECT coalesce(sum(records), 0) FROM engine.ledger").fetchone()
            proven = int(row[0]) if row else 0
            time.sleep(0.02)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return {"killed_after": round(time.perf_counter() - began, 2), "proven": proven, "again": _caravan(place)}


def _count_and_drop(place: Place, table: str) -> int:
    with place.connect() as connection:
        try:
            row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 - ours
        except psycopg.errors.UndefinedTable:
            return 0
        connection.execute(f"DROP TABLE {table}".encode())
    return 0 if row is None else int(row[0])


def _empty(place: Place) -> None:
    with place.connect() as connection:
        connection.execute(f"TRUNCATE {', '.join(_EMPTIED)}".encode())
        connection.execute("CHECKPOINT")


def _prepare(place: Place) -> None:
    """Fill the source, and make the target's tables as the scaffold's would be."""
    if place.source == "mariadb":
        with pymysql.connect(unix_socket=str(place.socket), user="root", autocommit=True) as connection:
            cursor = connection.cursor()
            for statement in (
                "CREATE DATABASE bench",
                "USE bench",
                "SET time_zone = '+00:00'",
                MARIADB_TABLE,
            ):
                cursor.execute(statement)
            cursor.execute(MARIADB_FILL.format(rows=place.rows))
            cursor.execute("ANALYZE TABLE orders")
        source = f"mysql://root@localhost/bench?unix_socket={quote(str(place.socket), safe='')}"
    else:
        with closing(sqlite3.connect(place.sqlite)) as database:
            database.execute(SQLITE_TABLE)
            database.execute(SQLITE_FILL.format(rows=place.rows))
            database.commit()
        source = str(place.sqlite)
    write_migration(place.folder, place.module, source, sqlite=place.source == "sqlite")
    command, environment = place.command("db", "migrate")
    subprocess.run(command, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
    sys.path.insert(0, str(place.folder))
    tables = load_mapping(f"{place.module}:orders").tables
    sys.path.remove(str(place.folder))
    address = DatabaseAddress.parse(place.url)
    with place.connect() as connection:
        connection.execute("DROP SCHEMA IF EXISTS legacy, floor CASCADE")
        connection.execute(f"CREATE SCHEMA legacy AUTHORIZATION {Role.OWNER}".encode())
        connection.execute("CREATE SCHEMA floor")
        connection.execute(POSTGRES_TABLE.encode())
        for statement in grant_statements("legacy"):
            connection.execute(statement.encode())
    with psycopg.connect(address.libpq(Role.OWNER), autocommit=True) as connection:
        for statement in table_statements(tables):
            if not statement.startswith("CREATE SCHEMA"):
                connection.execute(statement.encode())
        for statement in row_security_statements(TARGET):
            connection.execute(statement.encode())


def _sling(home: Path) -> str | None:
    given = os.environ.get("LOAD_PEERS")
    folder = Path(given) / "sling" if given else home / "sling"
    if not given:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(folder / "bin/python"), "-m", "pip", "install", "-q", SLING]
        if subprocess.run(install, check=False, stdout=subprocess.DEVNULL).returncode != 0:
            return None
    return next((str(path) for path in _sling_programs(folder)), None)


def _sling_programs(folder: Path) -> Iterator[Path]:
    yield from (path for path in (folder / "bin/sling",) if path.exists())
    yield from (path for path in folder.rglob("sling*amd64") if path.is_file() and os.access(path, os.X_OK))


def _pids(home: Path) -> tuple[int, ...]:
    files = [*home.rglob("postmaster.pid"), *home.rglob("*.pid")]
    return tuple(sorted({int(file.read_text(encoding="utf-8").split()[0]) for file in files}))


def _version(program: str, *words: str) -> str:
    found = shutil.which(program)
    if found is None:
        return "not installed"
    return subprocess.run([found, *words], capture_output=True, text=True, check=False).stdout.splitlines()[0]
