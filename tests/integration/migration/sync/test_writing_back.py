# ruff: noqa: S608 - statements of a test, on names of its own making
"""What the legacy store or the mapping refuses costs one record; references bring what they need; two stores of authority are told."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.capture import remove_changes
from caravan.migration.capture.changes import Position
from caravan.migration.sync.errors import FlowFailedError, FlowReplacedError
from caravan.migration.sync.legacy.opening import open_writer
from caravan.migration.sync.legacy.writer import Stamp
from tests.fixtures.legacy_stores import SqliteLegacy
from tests.fixtures.toy.shop import make_shop
from tests.integration.migration.sync.test_both_ways import Pair


@pytest.fixture(scope="module")
def database(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> DatabaseAddress:
    make_shop(module_database, tmp_path_factory.mktemp("tables"))
    return module_database


@pytest.fixture
def pair(database: DatabaseAddress, tmp_path: Path) -> Iterator[Pair]:
    legacy = SqliteLegacy(tmp_path / "legacy.db")
    legacy.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE)",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INTEGER REFERENCES customers, parent_id INTEGER"
        " REFERENCES orders, number TEXT, total TEXT, paid INTEGER)",
    )
    pair = Pair(database, legacy, tmp_path)
    pair.setting("forward").party.prepare()
    reverse = pair.setting("reverse").party
    reverse.prepare()
    reverse.carry_on()
    yield pair
    capture = pair.setting("reverse").capture
    remove_changes(capture.kind, capture.place, capture.collections, capture.options)


def born(pair: Pair, name: str) -> uuid.UUID:
    row_id = uuid.uuid4()
    pair.ours(f"INSERT INTO toy_customers (org_id, id, name) VALUES (%(org)s, '{row_id}', '{name}')")
    return row_id


def quarantine(pair: Pair) -> list[tuple[object, ...]]:
    return pair.ours("SELECT data_set, reason, row_id FROM engine.quarantine WHERE org_id = %(org)s")


def test_a_record_that_the_store_refuses_waits_in_quarantine_and_the_rest_goes_on(pair: Pair) -> None:
    pair.legacy.run("INSERT INTO customers (name) VALUES ('taken')")
    born(pair, "one")
    refused = born(pair, "taken")
    born(pair, "two")
    pair.carry("reverse")
    names = "SELECT name FROM customers ORDER BY name"
    assert pair.legacy.rows(names) == [("one",), ("taken",), ("two",)]
    assert quarantine(pair) == [("customers", "legacy.refused", refused)]
    pair.ours(f"UPDATE toy_customers SET name = 'free' WHERE id = '{refused}'")
    pair.carry("reverse")
    assert quarantine(pair) == []
    assert pair.legacy.rows(names) == [("free",), ("one",), ("taken",), ("two",)]


def test_what_a_record_refers_to_is_written_before_it_however_deep(pair: Pair) -> None:
    first, second = uuid.uuid4(), uuid.uuid4()
    customer = born(pair, "Ada")
    for row_id, parent in ((second, f"'{first}'"), (first, "NULL")):
        pair.ours(
            "INSERT INTO toy_orders (org_id, id, customer_id, parent_id, number)"
            f" VALUES (%(org)s, '{row_id}', '{customer}', {parent}, '{row_id}')"
        )
    pair.carry("reverse")
    assert quarantine(pair) == []
    assert pair.legacy.rows(
        "SELECT o.number, p.number, c.name FROM orders o LEFT JOIN orders p ON p.id = o.parent_id"
        " JOIN customers c ON c.id = o.customer_id ORDER BY o.id"
    ) == [(str(first), None, "Ada"), (str(second), str(first), "Ada")]


def test_a_record_born_and_gone_before_it_was_written_back_leaves_nothing(pair: Pair) -> None:
    row_id = born(pair, "brief")
    pair.ours(f"DELETE FROM toy_customers WHERE id = '{row_id}'")
    pair.carry("reverse")
    assert pair.legacy.rows("SELECT count(*) FROM customers") == [(0,)]


def test_a_holder_of_the_past_writes_nothing_into_the_legacy_store(pair: Pair) -> None:
    own = pair.setting("reverse")
    first = own.own[0]
    writer = open_writer(first.kind, first.place, first.rules, own.written)
    writer.prepare()
    now = Stamp("flow", 5, Position(9), "p/reverse")
    with writer.batch(now) as batch:
        batch.put("customers", {"id": 1}, {"name": "now"})
    with pytest.raises(FlowReplacedError), writer.batch(Stamp("flow", 4, Position(9), "p/reverse")) as late:
        late.put("customers", {"id": 1}, {"name": "late"})
    writer.close()
    assert pair.legacy.rows("SELECT name FROM customers") == [("now",)]


def test_a_flow_that_watched_somebody_write_behind_its_start_does_not_start(pair: Pair) -> None:
    reverse = pair.setting("reverse").party
    reverse.watch()
    at = reverse.head()
    born(pair, "too early")
    pair.carry("reverse")
    assert reverse.foreign_writes() == 1
    with pytest.raises(FlowFailedError, match="only watched"):
        reverse.start(at)
    reverse.start(reverse.head())
    assert reverse.applied() is not None
