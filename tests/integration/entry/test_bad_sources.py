# ruff: noqa: S608 - statements of a test, on names of its own making
"""Sources that are not there, go away, change or are held while they are read: what a person at the terminal is told, and what stays."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from caravan.core.database import DatabaseAddress, Role
from caravan.entry.commands import load as load_command
from caravan.migration.load.progress import NoProgress
from caravan.migration.load.readers import mariadb, postgres
from tests.fixtures.capabilities import needs
from tests.fixtures.databases import as_administrator
from tests.fixtures.legacy_stores import LegacyStore, MariadbLegacy, PostgresLegacy, make_tables
from tests.fixtures.toy.shop import make_shop
from tests.integration.entry.conftest import Caravan, Done
from tools.free_ports import free_port

_FILE = """
[migration]
name = "old"
org = "toy-shop"
[sources.shop]
{source}
[[data_sets]]
name = "customers"
source = "shop"
collection = "customers"
mapping = "tests.fixtures.toy.rows_mapping:customer"
[[data_sets]]
name = "orders"
source = "shop"
collection = "orders"
mapping = "tests.fixtures.toy.rows_mapping:order"
after = ["customers"]
"""
_ORDERS = 4_000
_FILL = {
    "postgresql": (
        "INSERT INTO customers SELECT n, 'C' || n, '' FROM generate_series(1, 10) n",
        f"INSERT INTO orders SELECT n, 1 + n % 10, NULL, repeat('x', 190) || n, n, 1 FROM generate_series(1, {_ORDERS}) n",
    ),
    "mariadb": (
        "INSERT INTO customers SELECT seq, concat('C', seq), '' FROM seq_1_to_10",
        f"INSERT INTO orders SELECT seq, 1 + seq % 10, NULL, concat(repeat('x', 190), seq), seq, 1 FROM seq_1_to_{_ORDERS}",
    ),
}


@dataclass
class Old:
    """The old store, its file, and what a person with the rights for it may do meanwhile."""

    legacy: LegacyStore
    file: Path
    connect: Callable[[], Any]

    def describe(self, source: str) -> None:
        self.file.write_text(_FILE.format(source=source))

    @contextmanager
    def held(self, statement: str) -> Iterator[None]:
        """Hold what the statement locks while the block lasts."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("BEGIN" if self.legacy.kind == "postgresql" else "SET autocommit = 1")
            cursor.execute(statement)
            yield

    def run_at_once(self, statement: str) -> None:
        """Run it, and wait a second at most for those who hold the table."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            setting = {"postgresql": "SET lock_timeout = '1s'", "mariadb": "SET lock_wait_timeout = 1"}
            cursor.execute(setting[self.legacy.kind])
            cursor.execute(statement)

    def end_readers(self) -> None:
        """End every other session in the old database, as a restart of its server would."""
        if self.legacy.kind == "postgresql":
            self.legacy.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return
        sessions = self.legacy.rows(
            "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
        )
        for (session,) in sessions:
            self.legacy.run(f"KILL {session}")


@pytest.fixture(params=["postgresql", pytest.param("mariadb", marks=needs("mariadbd"))])
def old(request: pytest.FixtureRequest, own_database: DatabaseAddress, tmp_path: Path) -> Iterator[Old]:
    make_shop(own_database, tmp_path)
    with ExitStack() as stack:
        old = stack.enter_context(
            _postgres(request, tmp_path) if request.param == "postgresql" else _mariadb(request, tmp_path)
        )
        make_tables(old.legacy)
        old.legacy.run(*_FILL[old.legacy.kind])
        old.describe(old.legacy.source)
        yield old


@contextmanager
def _postgres(request: pytest.FixtureRequest, folder: Path) -> Iterator[Old]:
    server: DatabaseAddress = request.getfixturevalue("postgres_server")
    name = f"old_{uuid.uuid4().hex[:12]}"
    as_administrator(server, f"CREATE DATABASE {name}")
    url = server.named(name).url
    yield Old(PostgresLegacy(url), folder / "migration.toml", lambda: psycopg.connect(url, autocommit=True))
    as_administrator(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _mariadb(request: pytest.FixtureRequest, folder: Path) -> Iterator[Old]:
    server = request.getfixturevalue("mariadb")
    name = f"old_{uuid.uuid4().hex[:12]}"
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield Old(MariadbLegacy(server, name), folder / "migration.toml", lambda: server.connect(name))
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture
def load(caravan: Caravan, old: Old) -> Callable[[], Done]:
    return lambda: caravan("load", old.file, "--workers", 0)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], object]], None]:
    """Lets something happen once, when the first chunk of a data set has been committed."""

    def arrange(data_set: str, act: Callable[[], object]) -> None:
        waiting = [act]

        class Interfering(NoProgress):
            name = ""

            def begin(self, name: str, *_: object) -> None:
                self.name = name

            def advance(self, *_: object) -> None:
                if self.name == data_set and waiting:
                    waiting.pop()()

        monkeypatch.setattr(load_command, "progress_for", Interfering)

    return arrange


def _ours(database: DatabaseAddress, statement: str) -> int:
    with psycopg.connect(database.libpq(Role.SYSTEM)) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _orders(database: DatabaseAddress) -> int:
    return _ours(database, "SELECT count(*) FROM toy_orders")


def test_a_source_that_is_away_or_refuses_the_user_is_named_without_the_password(
    old: Old, load: Callable[[], Done], own_database: DatabaseAddress
) -> None:
    scheme = "postgresql" if old.legacy.kind == "postgresql" else "mysql"
    place = old.legacy.source.split('"')[3]
    refused = place.replace("://root@", "://nobody:secret@").replace("://postgres@", "://nobody:secret@")
    assert "nobody" in refused
    for url in (f"{scheme}://me:secret@127.0.0.1:{free_port()}/shop", refused):
        old.describe(f'kind = "{old.legacy.kind}"\nurl = "{url}"')
        done = load()
        assert (done.code, "source_unreadable" in done.err) == (2, True), done.err
        assert "what to do: " in done.err
        assert "secret" not in done.err
        assert "Traceback" not in done.err
    assert _ours(own_database, "SELECT count(*) FROM engine.load_runs") == 0


def test_a_source_that_goes_away_in_the_middle_costs_nothing_that_was_committed(
    old: Old,
    load: Callable[[], Done],
    meanwhile: Callable[[str, Callable[[], object]], None],
    own_database: DatabaseAddress,
) -> None:
    meanwhile("orders", old.end_readers)
    done = load()
    assert (done.code, "stopped (source_lost)" in done.out) == (4, True), done.out + done.err
    assert "table orders cannot be read on after" in done.out
    assert "run the same command again" in " ".join(done.out.split())
    assert 0 < _orders(own_database) < _ORDERS
    assert load().code == 0
    assert _orders(own_database) == _ORDERS


@pytest.mark.parametrize("old", ["postgresql"], indirect=True)  # MariaDB lets it wait, see below
def test_a_column_that_is_dropped_while_it_loads_stops_it_and_the_next_load_names_the_field(
    old: Old,
    load: Callable[[], Done],
    meanwhile: Callable[[str, Callable[[], object]], None],
    own_database: DatabaseAddress,
) -> None:
    meanwhile("customers", lambda: old.legacy.run("ALTER TABLE orders DROP COLUMN paid"))
    done = load()
    assert (done.code, "stopped (source_lost)" in done.out) == (4, True), done.out + done.err
    assert _orders(own_database) == 0
    again = load()
    assert (again.code, "mapping.unfit" in again.err, "paid" in again.err) == (2, True, True), again.err


@pytest.mark.parametrize("statement", ["TRUNCATE TABLE orders", "ALTER TABLE orders {rewriting}"])
def test_a_table_emptied_or_rewritten_while_it_loads_is_not_taken_for_an_empty_one(
    statement: str,
    old: Old,
    load: Callable[[], Done],
    meanwhile: Callable[[str, Callable[[], object]], None],
    own_database: DatabaseAddress,
) -> None:
    words = {"postgresql": "ALTER COLUMN paid TYPE bigint", "mariadb": "MODIFY paid bigint, ALGORITHM = COPY"}
    refused: list[str] = []

    def change() -> None:
        try:
            old.run_at_once(statement.format(rewriting=words[old.legacy.kind]))
        except pymysql.err.OperationalError as error:
            refused.append(str(error))

    meanwhile("customers", change)
    done = load()
    if old.legacy.kind == "mariadb":  # it waits for the end of the snapshot
        assert "Lock wait timeout" in refused[0]
        assert (done.code, _orders(own_database)) == (0, _ORDERS), done.out + done.err
        return
    assert (done.code, "stopped (source_lost)" in done.out) == (4, True), done.out + done.err
    assert "TRUNCATE" in done.out
    assert _orders(own_database) == 0
    assert load().code == 0
    assert _orders(own_database) == (0 if statement.startswith("TRUNCATE") else _ORDERS)


def test_a_table_that_somebody_holds_is_waited_for_and_not_for_ever(
    old: Old,
    load: Callable[[], Done],
    own_database: DatabaseAddress,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres if old.legacy.kind == "postgresql" else mariadb, "_LOCK_WAIT", 1)
    lock = {"postgresql": "LOCK TABLE orders", "mariadb": "LOCK TABLES orders WRITE"}
    with old.held(lock[old.legacy.kind]):
        done = load()
    if old.legacy.kind == "postgresql":
        assert (done.code, "stopped (source_lost)" in done.out) == (4, True), done.out + done.err
        assert (
            "table orders cannot be read on after 0 rows: canceling statement due to lock timeout" in done.out
        )
    else:  # which tells nothing of its tables while one is held
        assert (done.code, "source_unreadable" in done.err) == (2, True), done.out + done.err
        assert "somebody has held a table for 1 s" in done.err
    assert _orders(own_database) == 0
    assert load().code == 0
    assert _orders(own_database) == _ORDERS


def test_a_verification_whose_source_is_away_judges_nothing(
    caravan: Caravan, old: Old, load: Callable[[], Done]
) -> None:
    assert load().code == 0
    scheme = "postgresql" if old.legacy.kind == "postgresql" else "mysql"
    old.describe(f'kind = "{old.legacy.kind}"\nurl = "{scheme}://me:secret@127.0.0.1:{free_port()}/shop"')
    done = caravan("verify", "records", old.file)
    assert (done.code, "source_unreadable" in done.out + done.err) == (2, True), done.out + done.err
    assert "secret" not in done.out + done.err
    assert "Traceback" not in done.err
    report = json.loads(caravan("verify", "records", old.file, "--json").out)
    assert report["verdict"] == "not judged", report
