# ruff: noqa: S608 - statements of a test, on names of its own making
"""Logs that are gone or go on otherwise while they are followed: the command says what to do, and doing it makes both sides equal."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.capture import look
from tests.fixtures.capabilities import needs
from tests.fixtures.databases import as_administrator
from tests.fixtures.legacy_stores import LegacyStore, MariadbLegacy, PostgresLegacy, make_tables
from tests.fixtures.mongodb_server import PrivateMongodb
from tests.fixtures.toy.shop import Shop, make_shop
from tests.integration.entry.conftest import Caravan
from tools.free_ports import free_port

_FILE = """
[migration]
name = "{name}"
org = "toy-shop"
[sources.shop]
{source}
[[data_sets]]
name = "customers"
source = "shop"
collection = "customers"
mapping = "tests.fixtures.toy.rows_mapping:customer"
"""


@dataclass
class Followed:
    """An old store with its migration file; ``lose_log`` takes away what a flow has not read yet."""

    legacy: LegacyStore
    shop: Shop
    lose_log: Callable[[], None]

    def describe(self, source: str) -> None:
        self.shop.file.write_text(_FILE.format(name=f"f{uuid.uuid4().hex[:8]}", source=source))

    def names(self) -> list[tuple[str, ...]]:
        return self.shop.rows("SELECT name FROM toy_customers ORDER BY name")


@pytest.fixture(params=["postgresql", pytest.param("mariadb", marks=needs("mariadbd"))])
def followed(
    request: pytest.FixtureRequest, own_database: DatabaseAddress, tmp_path: Path
) -> Iterator[Followed]:
    shop = make_shop(own_database, tmp_path)
    store = _postgres if request.param == "postgresql" else _mariadb
    with store(request, shop) as followed:
        make_tables(followed.legacy)
        followed.legacy.run("INSERT INTO customers (name) VALUES ('Ada'), ('Bob')")
        followed.describe(followed.legacy.source)
        yield followed


@contextmanager
def _postgres(request: pytest.FixtureRequest, shop: Shop) -> Iterator[Followed]:
    server: DatabaseAddress = request.getfixturevalue("postgres_server")
    name = f"old_{uuid.uuid4().hex[:12]}"
    as_administrator(server, f"CREATE DATABASE {name}")
    drop = f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '{name}'"
    yield Followed(PostgresLegacy(server.named(name).url), shop, lambda: as_administrator(server, drop))
    as_administrator(server, drop, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _mariadb(request: pytest.FixtureRequest, shop: Shop) -> Iterator[Followed]:
    server = request.getfixturevalue("row_logging_mariadb")
    name = f"old_{uuid.uuid4().hex[:12]}"
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")

        def purge() -> None:
            cursor.execute("FLUSH BINARY LOGS")
            cursor.execute("SHOW MASTER STATUS")
            newest = (cursor.fetchone() or ("",))[0]
            deadline = time.monotonic() + 30
            while cursor.execute("SHOW BINARY LOGS") > 1:  # a reader that has just left may still hold one
                assert time.monotonic() < deadline
                cursor.execute(f"PURGE BINARY LOGS TO '{newest}'")

        yield Followed(MariadbLegacy(server, name), shop, purge)
        cursor.execute(f"DROP DATABASE {name}")


def test_a_log_that_is_gone_ends_the_flow_and_what_it_says_brings_both_sides_together(
    caravan: Caravan, followed: Followed
) -> None:
    file = followed.shop.file
    assert caravan("sync", "run", file, "--until-caught-up").code == 0
    assert caravan("load", file, "--workers", 0).code == 0
    followed.legacy.run(
        "DELETE FROM customers WHERE name = 'Bob'", "INSERT INTO customers (name) VALUES ('Cyd')"
    )
    followed.lose_log()

    done = caravan("sync", "run", file, "--until-caught-up")
    assert (done.code, "changes_lost" in done.err) == (3, True), done.err
    assert "what to do: Synchronise again" in done.err
    assert "Traceback" not in done.err
    (told,) = json.loads(caravan("sync", "status", file, "--json").out)
    assert (told["state"], told["error_code"]) == ("failed", "changes_lost")
    assert followed.names() == [("Ada",), ("Bob",)]

    for command in (
        ("sync", "release", file),
        ("sync", "run", file, "--until-caught-up"),
        ("load", file, "--workers", 0),
    ):
        again = caravan(*command)
        assert again.code == 0, (command, again.out, again.err)
    assert followed.names() == [("Ada",), ("Cyd",)]


def test_a_column_that_is_dropped_under_a_flow_ends_it_and_loses_nothing(
    caravan: Caravan, followed: Followed
) -> None:
    file = followed.shop.file
    assert caravan("sync", "run", file, "--until-caught-up").code == 0
    followed.legacy.run("INSERT INTO customers (name) VALUES ('Cyd')")
    assert caravan("sync", "run", file, "--until-caught-up").code == 0
    followed.legacy.run("ALTER TABLE customers DROP COLUMN name")
    followed.legacy.run(
        "INSERT INTO customers (note) VALUES ('Dot')", "UPDATE customers SET note = 'changed'"
    )

    done = caravan("sync", "run", file, "--until-caught-up")
    assert (done.code, "changes_unreadable" in done.err, "customers" in done.err) == (3, True, True), done.err
    assert "what to do: Do what the message names" in done.err
    assert "Traceback" not in done.err
    (told,) = json.loads(caravan("sync", "status", file, "--json").out)
    assert (told["state"], told["error_code"]) == ("failed", "changes_unreadable")
    assert followed.names() == [("Cyd",)]


def test_a_source_that_is_away_or_refuses_the_user_is_named_and_no_flow_is_left(
    caravan: Caravan, followed: Followed
) -> None:
    scheme = "postgresql" if followed.legacy.kind == "postgresql" else "mysql"
    place = followed.legacy.source.split('"')[3]
    refused = place.replace("://root@", "://nobody:secret@").replace("://postgres@", "://nobody:secret@")
    for url in (f"{scheme}://me:secret@127.0.0.1:{free_port()}/shop", refused):
        followed.describe(f'kind = "{followed.legacy.kind}"\nurl = "{url}"')
        done = caravan("sync", "run", followed.shop.file)
        assert done.code in {1, 2}, done.err
        assert "code capture_stopped" in done.err or "code capture_refused" in done.err, done.err
        assert "what to do: " in done.err
        assert "secret" not in done.err
        assert "Traceback" not in done.err
        assert "no flow was started" in caravan("sync", "status", followed.shop.file).out


@needs("mongodb_server")
def test_a_mongodb_that_stands_alone_is_loaded_at_rest_and_not_followed(
    caravan: Caravan, own_database: DatabaseAddress, standalone_mongodb: PrivateMongodb, tmp_path: Path
) -> None:
    shop = make_shop(own_database, tmp_path)
    url = standalone_mongodb.url(f"t{uuid.uuid4().hex[:12]}")
    with standalone_mongodb.connect() as client:
        client[url.rpartition("/")[2]].customers.insert_many([{"name": "Ada"}, {"name": "Bob"}])
    text = _FILE.format(name="alone", source=f'kind = "mongodb"\nurl = "{url}"')
    shop.file.write_text(text.replace("rows_mapping", "document_mapping"))

    (offer,) = look("mongodb", url, ["customers"])
    assert (offer.usable, offer.statements) == (False, ("mongod --replSet rs0 …", "rs.initiate()"))
    done = caravan("sync", "run", shop.file)
    assert (done.code, "capture_refused" in done.err) == (2, True), done.err
    assert "stands alone and tells no changes; a replica set of one member is enough" in done.err
    assert "rs.initiate()" in done.err
    assert "no flow was started" in caravan("sync", "status", shop.file).out

    loaded = caravan("load", shop.file, "--workers", 0)
    assert loaded.code == 0, loaded.out + loaded.err
    assert "nobody may write" in loaded.err
    assert shop.rows("SELECT name FROM toy_customers ORDER BY name") == [("Ada",), ("Bob",)]
