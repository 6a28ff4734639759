"""Load and verify against the floor: one process that streams frames, maps with the same mapping and ids, and COPYs.

The floor's tables have the columns and nothing else: no keys, no ledger, no checks. Both sides begin with an empty
database on the same embedded server; repetitions are interleaved, ratios are taken within one repetition.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psutil
import psycopg

from caravan.core.database.connection import DatabaseAddress
from caravan.core.embedded.servers import embedded_servers
from caravan.core.ids import source_namespace
from caravan.migration.config import read_config
from caravan.migration.load.readers import Record, decode, open_source
from caravan.migration.mapping.contract import Mapping, MappingContext, SqlType
from caravan.migration.mapping.registry import load_mapping

ROOT: Final = Path(__file__).parent.parent
MIGRATION: Final = ROOT / "examples/rps/migration.toml"
ORG: Final = UUID("019a0000-0000-7000-8000-000000000001")
_BATCH: Final = 500
_COPY_TYPES: Final[dict[SqlType, str]] = {
    "uuid": "bytea", "text": "text", "numeric": "numeric", "boolean": "bool", "integer": "int4",
    "bigint": "int8", "timestamptz": "timestamptz", "jsonb": "bytea", "bytea": "bytea",
}  # fmt: skip


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return rates in records per second, their ratio, and the peak memory of each side in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        source = source_of(arguments, Path(folder))
        rounds: list[dict[str, Any]] = []
        ratios: list[float] = []
        for number in range(arguments.repeat):
            sides = [_floor, _ours] if number % 2 == 0 else [_ours, _floor]
            measured = {
                side.__name__.strip("_"): side(source, Path(folder) / f"{side.__name__}{number}")
                for side in sides
            }
            ratios.append(measured["ours"]["rate"] / measured["floor"]["rate"])
            rounds.append({**measured, "ratio": round(ratios[-1], 3)})
            print(json.dumps(rounds[-1]), file=sys.stderr)
    return {
        "source": "full dump" if arguments.source else f"generated, {arguments.scale or 2000} orders",
        "ratio_median": round(statistics.median(ratios), 3),
        "bar": 0.5,
        "rounds": rounds,
    }


def source_of(arguments: argparse.Namespace, folder: Path) -> Path:
    """Return the dump the arguments name: one that is there, one of so many orders made now, or the sample."""
    if arguments.source:
        return Path(arguments.source).resolve()
    if not arguments.scale:
        return ROOT / "examples/rps/dump"
    out = folder / "dump"
    command = [
        sys.executable,
        str(ROOT / "examples/rps/generate.py"),
        "--orders",
        str(arguments.scale),
        "--out",
        str(out),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return out


def _floor(source: Path, home: Path) -> dict[str, Any]:
    config = read_config(MIGRATION)
    name, origin = next(iter(config.sources.items()))
    with embedded_servers(home, want_postgres=True, want_valkey=False) as servers:
        assert servers.postgres is not None
        with psycopg.connect(servers.postgres.dsn()) as connection, _peak_memory() as peak:
            began = time.perf_counter()
            records = 0
            context = MappingContext(ORG, None, source_namespace(name, ORG), origin.timezone)
            reader = open_source(source)
            for data_set in config.data_sets:
                mapping = load_mapping(data_set.mapping)
                _make_bare_tables(connection, mapping)
                records += _copy_all(
                    connection, mapping, context, reader.read(data_set.collection), reader.format
                )
            connection.commit()
            seconds = time.perf_counter() - began
    return {
        "seconds": round(seconds, 2),
        "records": records,
        "rate": round(records / seconds, 1),
        "mib": peak(),
    }


def _make_bare_tables(connection: psycopg.Connection, mapping: Mapping) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS legacy_rps")
    for table in mapping.tables:
        columns = ", ".join(f'"{column.name}" {column.type}' for column in table.columns)
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table.name} ({columns})".encode())


def _copy_all(
    connection: psycopg.Connection,
    mapping: Mapping,
    context: MappingContext,
    records: Iterator[Any],
    form: Any,  # noqa: ANN401 - the reader's
) -> int:
    read = 0
    batch: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in mapping.tables}
    for record in records:
        read += 1
        if not isinstance(record, Record):
            continue
        try:
            mapped = mapping.map(decode(form, record.raw), context)
        except Exception:  # noqa: BLE001, S112 - the floor does not even say what it left out
            continue
        for table, rows in mapped.rows.items():
            batch[table].extend(rows)
        if read % _BATCH == 0:
            _copy(connection, mapping, batch)
    _copy(connection, mapping, batch)
    return read


def _copy(connection: psycopg.Connection, mapping: Mapping, batch: dict[str, list[tuple[Any, ...]]]) -> None:
    for table in mapping.tables:
        rows = batch[table.name]
        if not rows:
            continue
        json_columns = [number for number, column in enumerate(table.columns) if column.type == "jsonb"]
        with connection.cursor().copy(f"COPY {table.name} FROM STDIN (FORMAT BINARY)".encode()) as copy:
            copy.set_types([_COPY_TYPES[column.type] for column in table.columns])
            for row in rows:
                copy.write_row(_versioned(row, json_columns) if json_columns else row)
        rows.clear()


def _versioned(row: tuple[Any, ...], json_columns: list[int]) -> list[Any]:
    values = list(row)
    for number in json_columns:
        if values[number] is not None:
            values[number] = b"\x01" + values[number]
    return values


def _ours(source: Path, home: Path) -> dict[str, Any]:
    with embedded_servers(home, want_postgres=True, want_valkey=False) as servers:
        assert servers.postgres is not None
        address = DatabaseAddress.parse(servers.postgres.dsn())
        environment = {**os.environ, "DATABASE_URL": address.url, "CARAVAN_HOME": str(home)}
        caravan = [sys.executable, "-m", "caravan.entry.cli"]
        subprocess.run([*caravan, "db", "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
        with _peak_memory(own=False) as peak:
            began = time.perf_counter()
            finished = subprocess.run(
                [*caravan, "load", str(MIGRATION), "--source", str(source), "--json"],
                env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            seconds = time.perf_counter() - began
    report = json.loads(finished.stdout)
    records = sum(data_set["read"] for data_set in report["data_sets"].values())
    return {
        "seconds": round(seconds, 2), "records": records, "rate": round(records / seconds, 1), "mib": peak(),
        "exit_code": finished.returncode, "checks_ok": all(check["ok"] for check in report["checks"].values()),
    }  # fmt: skip


@contextmanager
def _peak_memory(*, own: bool = True) -> Iterator[Any]:
    """Sample the resident memory of this process and its Python children, or of the children alone."""
    stop = threading.Event()
    most = 0
    process = psutil.Process()

    def look() -> None:
        nonlocal most
        while not stop.wait(0.1):
            total = process.memory_info().rss if own else 0
            for child in process.children(recursive=True):
                try:
                    if "python" in child.name():
                        total += child.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            most = max(most, total)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield lambda: most // 1_048_576
    finally:
        stop.set()
        watcher.join()
