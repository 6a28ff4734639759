"""Two tables held against each other: ours, ``reladiff`` and ``data-diff`` on the same servers, one after the other, interleaved.

``--scale`` rows (2 M when absent) of 8 columns: identical, with 10 differing rows, with 1 % of them; PostgreSQL against PostgreSQL
and MariaDB against PostgreSQL. Then the traps of ``verify_traps``: who finds which, and who raises false alarms on equal tables.
The peers live in environments of their own, made for the run unless ``VERIFY_PEERS`` names a folder that has ``reladiff/bin/python``
and ``data-diff/bin/python``.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import psycopg
import pymysql

from bench.processor_time import ProcessorTime
from bench.verify_records import records_against_load
from bench.verify_tables import MARIADB_ORDERS, ORDER_COLUMNS, ORDERS, POSTGRES_ORDERS, SPOILT
from bench.verify_traps import COLUMNS, MARIADB_TABLE, POSTGRES_TABLE, ROWS, TRAPS, base_row
from caravan.core.embedded.servers import embedded_servers
from caravan.migration.verify.pairs.comparing import compare, pair
from caravan.migration.verify.pairs.tables import Table
from caravan.migration.verify.stores.mariadb import MariadbTable
from caravan.migration.verify.stores.postgres import PostgresTable

PEERS: Final = {
    "reladiff": ("reladiff[postgresql,mysql]==0.6.0",),
    "data-diff": ("data-diff[postgresql,mysql]==0.11.2", "dbt-core<1.9"),
}
"""What pip is told; data-diff takes a release of dbt that is still a wheel."""

_ROWS: Final = 2_000_000
_THREADS: Final = 4
"""Of a peer; ours has two connections to a PostgreSQL, and one to MariaDB, whose snapshot cannot be shared."""

_TRAP_ROWS: Final = 20_000
_SCRIPT: Final = Path(__file__).parent / "verify_peer.py"
Told: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """One table: how we open it, and how the peers do."""

    name: str
    opened: Callable[[], Table]
    connect: dict[str, Any]
    table: tuple[str, ...]
    run: Callable[[str], None]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return seconds per tool, pair of stores and data, and the table of traps."""
    rows = arguments.scale or _ROWS
    with tempfile.TemporaryDirectory(prefix="v") as folder, ExitStack() as stack:
        home = Path(folder)
        tools = _tools(home)
        postgres = stack.enter_context(_postgres(home / "postgres"))
        mariadb = stack.enter_context(_mariadb(home / "mariadb"))
        sides = _sides(postgres, mariadb)
        _fill(sides, rows)
        rounds = _rounds(sides, tools, _servers(home), arguments.repeat)
        traps = _traps(sides, tools)
        records = records_against_load(arguments, home)
    return {
        "rows": rows,
        "peers": PEERS,
        "seconds": _medians(rounds, "seconds"),
        "processor_seconds": _medians(rounds, "cpu"),
        "ratios_to_reladiff": {name: _ratios(_medians(rounds, name)) for name in ("seconds", "cpu")},
        "traps": traps,
        "records": records,
        "rounds": rounds,
    }


def _rounds(sides: dict[str, Side], tools: dict[str, str], servers: Sequence[int], repeat: int) -> list[Told]:
    """Spoil the right side a little, then more; each step is measured by every tool in turn."""
    rounds = []
    for left, right in (("postgres one", "postgres two"), ("mariadb", "postgres two")):
        for data, spoil in SPOILT.items():
            for statement in spoil:
                sides[right].run(statement)
            for number in range(repeat):
                order = ["caravan", *tools] if number % 2 == 0 else [*tools, "caravan"]
                for tool in order:
                    used = ProcessorTime(servers)
                    told = _measured(tool, tools, sides[left], sides[right], ORDER_COLUMNS)
                    told["cpu"] = round(used.seconds() + told.pop("client", 0), 3)
                    keys = told.pop("keys", None)
                    rounds.append({"pair": f"{left} - {right}", "data": data, "tool": tool,
                                   "found": None if keys is None else len(keys), **told})  # fmt: skip
                    print(json.dumps(rounds[-1]), file=sys.stderr)
        sides[right].run("DROP TABLE orders")
        sides[right].run(POSTGRES_ORDERS)
        sides[right].run("INSERT INTO orders SELECT * FROM one.orders")
        sides[right].run("ANALYZE orders")
    return rounds


def _measured(tool: str, tools: dict[str, str], left: Side, right: Side, columns: Sequence[str]) -> Told:
    return _ours(left, right) if tool == "caravan" else _theirs(tool, tools[tool], left, right, columns)


def _ours(left: Side, right: Side) -> Told:
    began = time.perf_counter()
    one, other = left.opened(), right.opened()
    try:
        tally = compare(pair(one, other))
    finally:
        one.close()
        other.close()
    seconds = round(time.perf_counter() - began, 3)
    return {"seconds": seconds, "keys": sorted(int(item.key[0] or "0") for item in tally.differences)}


def _theirs(tool: str, python: str, left: Side, right: Side, columns: Sequence[str]) -> Told:
    asked = {
        side: {"connect": place.connect, "table": place.table}
        for side, place in (("left", left), ("right", right))
    }
    done = subprocess.run(
        [python, str(_SCRIPT), tool.replace("-", "_")],
        input=json.dumps({**asked, "columns": list(columns), "threads": _THREADS}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        return {"error": done.stderr[-300:]}
    told: Told = json.loads(done.stdout.splitlines()[-1])
    return told


def _traps(sides: dict[str, Side], tools: dict[str, str]) -> Told:
    """Equal tables first, then each trap alone: a tool that stumbles over one is asked about the others all the same."""
    told: Told = {}
    for left, right in (("postgres one", "postgres two"), ("mariadb", "postgres two")):
        tables = {
            name: Side(side.name, _trap_table(side), side.connect, (*side.table[:-1], "traps"), side.run)
            for name, side in sides.items()
        }
        for name in (left, right):
            _fill_traps(tables[name])
        found: dict[str, Told] = {tool: {} for tool in ("caravan", *tools)}
        for trap in (None, *TRAPS):
            for name in (left, right):
                tables[name].run("DELETE FROM traps")
                tables[name].run("INSERT INTO traps SELECT * FROM traps_base")
            if trap is not None:
                if trap.statement:
                    tables[right].run(trap.statement)
                else:
                    tables[left].run(f"UPDATE traps SET {trap.left} WHERE id = {trap.key}")  # noqa: S608 - ours
                    tables[right].run(f"UPDATE traps SET {trap.right} WHERE id = {trap.key}")  # noqa: S608 - ours
            for tool, of_tool in found.items():
                seen = _measured(tool, tools, tables[left], tables[right], COLUMNS)
                of_tool[trap.name if trap else "equal tables"] = _said(seen, trap.key if trap else None)
        told[f"{left} - {right}"] = found
    return told


def _said(seen: Told, key: int | None) -> str:
    if "keys" not in seen:
        return "fails"
    if key is None:
        return "no alarm" if not seen["keys"] else f"{len(seen['keys']):,} false alarms"
    others = len(set(seen["keys"]) - {key, key + 1})
    found = "found" if key in seen["keys"] else "missed"
    return f"{found}, and {others:,} false alarms" if others else found


def _trap_table(side: Side) -> Callable[[], Table]:
    def opened() -> Table:
        if side.name == "mariadb":
            return MariadbTable(_mariadb_url(side.connect), "traps")
        return PostgresTable(_postgres_url(side.connect), f"{side.table[0]}.traps")

    return opened


def _fill_traps(side: Side) -> None:
    """So many rows that every tool hashes before it reads: small tables are read at once, and their traps prove nothing."""
    rows = [list(base_row(number)) for number in range(ROWS - _TRAP_ROWS, ROWS)]
    create = MARIADB_TABLE if side.name == "mariadb" else POSTGRES_TABLE
    if side.name != "mariadb":
        rows = [[*row[:4], "true" if row[4] == "1" else "false", *row[5:]] for row in rows]
    for table in ("traps", "traps_base"):
        side.run(f"DROP TABLE IF EXISTS {table}")
        side.run(create.replace("traps", table))
    side.run(f"INSERT INTO traps_base VALUES {', '.join('(' + ', '.join(row) + ')' for row in rows)}")  # noqa: S608 - ours


def _medians(rounds: list[Told], figure: str) -> Told:
    found: dict[str, dict[str, list[float]]] = {}
    for one in rounds:
        if "seconds" in one and "error" not in one:
            found.setdefault(f"{one['pair']}, {one['data']}", {}).setdefault(one["tool"], []).append(
                one[figure]
            )
    return {
        name: {
            tool: {"median": statistics.median(all_), "low": min(all_), "high": max(all_)}
            for tool, all_ in of.items()
        }
        for name, of in found.items()
    }


def _ratios(medians: Told) -> dict[str, float]:
    return {
        name: round(of["reladiff"]["median"] / of["caravan"]["median"], 2)
        for name, of in medians.items()
        if {"reladiff", "caravan"} <= of.keys()
    }


def _fill(sides: dict[str, Side], rows: int) -> None:
    for name, side in sides.items():
        if name != "mariadb":
            side.run(POSTGRES_ORDERS)
            side.run(f"INSERT INTO orders {ORDERS['postgres'].format(rows=rows)}")
            side.run("ANALYZE orders")
    sides["mariadb"].run(MARIADB_ORDERS)
    sides["mariadb"].run(f"INSERT INTO orders {ORDERS['mariadb'].format(rows=rows)}")


def _servers(home: Path) -> list[int]:
    """Return the process ids of both servers."""
    files = [*home.rglob("postmaster.pid"), *home.rglob("*.pid")]
    return sorted({int(file.read_text(encoding="utf-8").split()[0]) for file in files})


def _tools(home: Path) -> dict[str, str]:
    """Return the Python of each peer; one that cannot be installed is left out by name."""
    given = os.environ.get("VERIFY_PEERS")
    found = {}
    for name, wanted in PEERS.items():
        folder = Path(given) / name if given else home / name
        if not given:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            install = [str(folder / "bin/python"), "-m", "pip", "install", "-q", *wanted]
            if subprocess.run(install, check=False, stdout=subprocess.DEVNULL).returncode != 0:
                print(f"{name} cannot be installed and is left out", file=sys.stderr)
                continue
        found[name] = str(folder / "bin/python")
    return found


@contextmanager
def _postgres(home: Path) -> Iterator[dict[str, Any]]:
    with embedded_servers(home, want_postgres=True, want_valkey=False, durable=False) as servers:
        assert servers.postgres is not None
        connect = psycopg.conninfo.conninfo_to_dict(servers.postgres.dsn())
        yield {key: connect[key] for key in ("host", "port", "user", "dbname") if key in connect}


@contextmanager
def _mariadb(home: Path) -> Iterator[Path]:
    home.mkdir()
    owner = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={home / 'data'}", "--skip-test-db",
         "--auth-root-authentication-method=normal", *owner],
        check=True, capture_output=True,
    )  # fmt: skip
    program = shutil.which("mariadbd") or "mariadbd"
    server = subprocess.Popen(
        [program, "--no-defaults", f"--datadir={home / 'data'}", f"--socket={home / 's'}", "--skip-networking",
         "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=1G", "--character-set-server=utf8mb4",
         f"--log-error={home / 'log.err'}", f"--pid-file={home / 'mariadb.pid'}", *owner],
    )  # fmt: skip
    try:
        _await(server, home / "log.err")
        yield home / "s"
    finally:
        server.terminate()
        server.wait(60)


def _await(server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while not log.exists() or b"ready for connections" not in log.read_bytes():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("mariadbd does not start")
        time.sleep(0.05)


def _sides(postgres: dict[str, Any], mariadb: Path) -> dict[str, Side]:
    def in_postgres(schema: str) -> Side:
        def run(statement: str) -> None:
            with psycopg.connect(**postgres, autocommit=True) as connection:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
                connection.execute(f"SET search_path TO {schema}".encode())
                connection.execute("SET timezone = 'UTC'")
                connection.execute(statement.encode())

        connect = {"driver": "postgresql", "password": "", **postgres}
        return Side(
            f"postgres {schema}",
            lambda: PostgresTable(_postgres_url(connect), f"{schema}.orders", connections=2),
            connect,
            (schema, "orders"),
            run,
        )

    connect = {
        "driver": "mysql",
        "unix_socket": str(mariadb),
        "user": "root",
        "password": "",  # data-diff wants one
        "database": "bench",
    }

    def run(statement: str) -> None:
        with pymysql.connect(
            unix_socket=str(mariadb), user="root", autocommit=True, charset="utf8mb4"
        ) as connection:
            cursor = connection.cursor()
            for setting in ("CREATE DATABASE IF NOT EXISTS bench", "USE bench", "SET time_zone = '+00:00'"):
                cursor.execute(setting)
            cursor.execute(statement)

    maria = Side("mariadb", lambda: MariadbTable(_mariadb_url(connect), "orders"), connect, ("orders",), run)
    return {"postgres one": in_postgres("one"), "postgres two": in_postgres("two"), "mariadb": maria}


def _postgres_url(connect: dict[str, Any]) -> str:
    return str(
        psycopg.conninfo.make_conninfo(**{key: value for key, value in connect.items() if key != "driver"})
    )


def _mariadb_url(connect: dict[str, Any]) -> str:
    return f"mysql://root@localhost/bench?unix_socket={connect['unix_socket']}"
