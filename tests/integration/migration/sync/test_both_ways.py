# ruff: noqa: S608 - statements of a test, on names of its own making
"""A legacy store with tables and ours, both ways: loaded beside the flow, switched, written back, switched again."""

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.capture import remove_changes
from caravan.migration.config import read_config
from caravan.migration.load import LoadRequest, run_load
from caravan.migration.load.planning import plan
from caravan.migration.sync.beginning import begin, release
from caravan.migration.sync.errors import (
    FlowUnknownError,
    LoadNotBesideCaptureError,
    SnapshotTooOldError,
)
from caravan.migration.sync.flows import Direction
from caravan.migration.sync.guard import beside_flows
from caravan.migration.sync.runners import FlowSetting, flow_settings
from caravan.migration.sync.sweeping import sweep
from caravan.migration.verify.mapped.data_sets import DataSetRequest, verify_data_set
from tests.fixtures.capabilities import needs
from tests.fixtures.legacy_stores import LegacyStore, make_tables, opened_legacy
from tests.fixtures.scripted_log import eventually
from tests.fixtures.toy.shop import make_shop

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
mapping = "tests.fixtures.toy.{mappings}:customer"
[[data_sets]]
name = "orders"
source = "shop"
collection = "orders"
mapping = "tests.fixtures.toy.{mappings}:order"
"""


class Pair:
    """A legacy store and our side, with the flows between them."""

    def __init__(
        self, database: DatabaseAddress, legacy: LegacyStore, folder: Path, mappings: str = "rows_mapping"
    ) -> None:
        self.database, self.legacy, self.folder = database, legacy, folder
        self.org = uuid.uuid4()
        self.file = folder / "migration.toml"
        self.file.write_text(
            _FILE.format(name=f"p{self.org.hex[:8]}", source=legacy.source, mappings=mappings)
        )
        self.config = read_config(self.file)

    def setting(self, direction: Direction) -> FlowSetting:
        planned = plan(self.config, (self.org, None))
        return flow_settings(self.config, planned, self.database, direction, home=self.folder / "home")[
            "shop"
        ]

    def carry(self, direction: Direction) -> None:
        """Carry the flow until nothing is left."""
        self.setting(direction).runner(threading.Event()).run(until_caught_up=True)

    def load(self) -> None:
        request = LoadRequest(
            config=self.config,
            database=self.database,
            tenants=lambda _org, _client: (self.org, None),
            home=self.folder / "home",
            workers=0,
            beside=beside_flows(self.database, self.config),
        )
        report = run_load(request)
        assert report.exit_code == 0, report.to_json()

    def ours(self, statement: str) -> list[tuple[object, ...]]:
        """``%(org)s`` stands for the organisation; what is written so is the platform's."""
        with psycopg.connect(self.database.libpq(Role.SYSTEM), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), {"org": self.org})
            return cursor.fetchall() if cursor.description else []

    def switch(self) -> None:
        """What a cutover asks of the flows."""
        forward, reverse = self.setting("forward").party, self.setting("reverse").party
        self.carry("forward")
        reverse.start(reverse.head())
        forward.watch()


@pytest.fixture(scope="module")
def database(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> DatabaseAddress:
    make_shop(module_database, tmp_path_factory.mktemp("tables"))
    return module_database


@pytest.fixture(
    params=["sqlite", pytest.param("mariadb", marks=needs("mariadbd")), "postgresql"],
)
def legacy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LegacyStore]:
    with opened_legacy(request.param, request, tmp_path) as store:
        make_tables(store)
        yield store


@pytest.fixture
def pair(database: DatabaseAddress, legacy: LegacyStore, tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(database, legacy, tmp_path)
    yield pair
    capture = pair.setting("reverse").capture
    remove_changes(capture.kind, capture.place, capture.collections, capture.options)


def names(pair: Pair) -> list[tuple[object, ...]]:
    return pair.ours("SELECT name FROM toy_customers WHERE org_id = %(org)s ORDER BY name")


def verdict(pair: Pair, name: str) -> str:
    """What the verifier says of a data set."""
    data_sets = {each.name: each for each in plan(pair.config, (pair.org, None)).data_sets}
    return verify_data_set(DataSetRequest(pair.config, pair.database, data_sets[name])).verdict


def test_both_ways_and_back_nothing_is_lost_and_nothing_comes_twice(pair: Pair) -> None:
    legacy = pair.legacy
    legacy.run(
        "INSERT INTO customers (name, note) VALUES ('Ada', 'first'), ('Ben', NULL), ('Cora', NULL)",
        "INSERT INTO orders (customer_id, number, total, paid) VALUES (1, 'N1', '10.5000', 1), (2, 'N2', '7.0000', 0)",
    )
    forward = pair.setting("forward").party
    forward.prepare()
    forward.carry_on()
    legacy.run("UPDATE customers SET name = 'Benjamin' WHERE id = 2", "DELETE FROM customers WHERE id = 3")
    pair.load()
    legacy.run("INSERT INTO customers (name) VALUES ('Dora')", "DELETE FROM orders WHERE id = 2")
    pair.setting("reverse").party.prepare()
    pair.carry("forward")
    assert names(pair) == [("Ada",), ("Benjamin",), ("Dora",)]
    assert pair.ours("SELECT number FROM toy_orders WHERE org_id = %(org)s") == [("N1",)]

    pair.switch()
    _write_on_the_new_side(pair)
    pair.carry("reverse")
    # Whatever was written back is ours to the watching flow.
    pair.carry("forward")
    assert forward.foreign_writes() == 0
    # An order that was born here keeps its id and its customer's, whatever ids their new keys would give.
    assert verdict(pair, "orders") == "same"
    pair.ours("UPDATE toy_orders SET total = 99.98 WHERE org_id = %(org)s AND number = 'N9'")
    assert verdict(pair, "orders") == "different"
    pair.ours("UPDATE toy_orders SET total = 99.99 WHERE org_id = %(org)s AND number = 'N9'")
    customers = legacy.rows("SELECT id, name, note FROM customers ORDER BY id")
    assert [(row[1], row[2]) for row in customers] == [
        ("Ada Lovelace", "first"),
        ("Dora", None),
        ("Eve", None),
    ]
    eve = customers[-1][0]
    assert [
        (row[0], row[1], str(row[2]), row[3])
        for row in legacy.rows("SELECT customer_id, number, total, paid FROM orders ORDER BY id")
    ] == [(1, "N1", "10.5000", 1), (eve, "N9", "99.9900", 1)]

    legacy.run(f"UPDATE customers SET name = 'Foreigner' WHERE id = {customers[0][0]}")
    pair.carry("forward")
    assert forward.foreign_writes() == 1

    _switch_back(pair)
    legacy.run(f"UPDATE customers SET name = 'Eve of old' WHERE id = {eve}")
    pair.carry("forward")
    assert names(pair) == [("Ada Lovelace",), ("Dora",), ("Eve of old",)]
    assert pair.ours("SELECT count(*) FROM engine.quarantine WHERE org_id = %(org)s") == [(0,)]


def _write_on_the_new_side(pair: Pair) -> None:
    pair.ours("UPDATE toy_customers SET name = 'Ada Lovelace' WHERE org_id = %(org)s AND name = 'Ada'")
    pair.ours("DELETE FROM toy_customers WHERE org_id = %(org)s AND name = 'Benjamin'")
    pair.ours(
        "WITH eve AS (INSERT INTO toy_customers (org_id, id, name) VALUES (%(org)s, gen_random_uuid(), 'Eve') RETURNING id)"
        " INSERT INTO toy_orders (org_id, id, customer_id, number, total, paid)"
        " SELECT %(org)s, gen_random_uuid(), id, 'N9', 99.99, true FROM eve"
    )


def _switch_back(pair: Pair) -> None:
    forward, reverse = pair.setting("forward").party, pair.setting("reverse").party
    pair.carry("reverse")
    forward.start(forward.head())
    reverse.watch()


def test_a_key_that_the_legacy_store_gave_is_found_again_after_a_crash(pair: Pair) -> None:
    pair.legacy.run("INSERT INTO customers (name) VALUES ('Ada')")
    pair.setting("forward").party.prepare()
    pair.setting("reverse").party.prepare()
    pair.setting("reverse").party.carry_on()
    row_id = uuid.uuid4()
    pair.ours(f"INSERT INTO toy_customers (org_id, id, name) VALUES (%(org)s, '{row_id}', 'Born here')")
    setting = pair.setting("reverse")
    runner = setting.runner(threading.Event())
    sink = runner._open_sink()
    sink._note = _dies  # type: ignore[attr-defined]
    source = setting.capture.open()
    begin = sink.take("dies").applied
    source.head()  # the log is flushed up to here
    found = [each for each in source.transactions(begin, wait=0.2) if each.changes]
    with pytest.raises(KeyboardInterrupt):
        sink.apply(found)
    source.close()
    sink.close()
    pair.ours(f"UPDATE toy_customers SET name = 'Born here, twice written' WHERE id = '{row_id}'")
    pair.carry("reverse")
    assert [row[0] for row in pair.legacy.rows("SELECT name FROM customers ORDER BY id")] == [
        "Ada",
        "Born here, twice written",
    ]
    keys = pair.ours(
        f"SELECT tag, key FROM engine.legacy_keys WHERE org_id = %(org)s AND row_id = '{row_id}'"
    )
    assert keys == [("i", "2")]


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_capture_that_begins_anew_finds_what_was_lost_in_between(pair: Pair) -> None:
    legacy = pair.legacy
    legacy.run("INSERT INTO customers (name) VALUES ('Ada'), ('Ben'), ('Cora')")
    begin(pair.setting("forward"))
    pair.load()
    pair.carry("forward")
    release(pair.setting("forward"))
    legacy.run(
        "DELETE FROM customers WHERE name = 'Ben'",
        "UPDATE customers SET name = 'Cora C.' WHERE name = 'Cora'",
    )
    begin(pair.setting("forward"))
    assert sweep(pair.setting("forward")) == 0, "nothing may go before the new load is whole"
    pair.load()
    pair.carry("forward")
    assert sweep(pair.setting("forward")) == 1
    assert names(pair) == [("Ada",), ("Cora C.",)]


def test_a_load_whose_snapshot_is_older_than_the_capture_is_refused(pair: Pair) -> None:
    pair.legacy.run("INSERT INTO customers (name) VALUES ('Ada')")
    beside = beside_flows(pair.database, pair.config)
    begin(pair.setting("forward"))
    with pytest.raises(SnapshotTooOldError):
        beside(plan(pair.config, (pair.org, None)), {})


def test_nothing_is_loaded_over_a_side_that_has_the_authority(pair: Pair) -> None:
    begin(pair.setting("forward"))
    pair.setting("forward").party.watch()
    with pytest.raises(LoadNotBesideCaptureError):
        pair.load()


def test_a_cutover_holds_the_flow_exactly_at_a_position_of_the_real_log(pair: Pair) -> None:
    begin(pair.setting("forward"))
    party, stop = pair.setting("forward").party, threading.Event()
    carrying = threading.Thread(target=pair.setting("forward").runner(stop).run)
    carrying.start()
    try:
        pair.legacy.run("INSERT INTO customers (name) VALUES ('before')")
        at = party.head()
        party.apply_exactly_to(at, within=30)
        assert (party.applied() or at) >= at
        assert not party.running()
        pair.legacy.run("INSERT INTO customers (name) VALUES ('after')")
        behind = party.head()
        assert names(pair) == [("before",)]
        party.carry_on()
        party.apply_exactly_to(behind, within=30)
        assert names(pair) == [("after",), ("before",)]
        party.carry_on()
        eventually(party.running, "it does not go on")
        assert party.lag().seconds < 30
    finally:
        stop.set()
        carrying.join(30)


def test_nothing_is_written_back_to_a_store_that_nobody_follows(pair: Pair) -> None:
    with pytest.raises(FlowUnknownError, match="not followed yet"):
        begin(pair.setting("reverse"))


def test_a_mapping_that_changed_under_a_flow_maps_everything_anew_or_says_what_to_do(pair: Pair) -> None:
    begin(pair.setting("forward"))
    pair.legacy.run("INSERT INTO customers (name) VALUES ('Ada'), ('Ben')")
    pair.load()
    pair.legacy.run("UPDATE customers SET name = 'Benjamin' WHERE name = 'Ben'")
    pair.carry("forward")
    pair.ours("UPDATE engine.ledger SET mapping_version = 'older' WHERE org_id = %(org)s")
    if pair.legacy.kind == "mariadb":  # its snapshots state a position
        pair.load()
    else:
        with pytest.raises(LoadNotBesideCaptureError, match="mapping of customers has changed"):
            pair.load()
    assert names(pair) == [("Ada",), ("Benjamin",)]


@pytest.mark.parametrize(
    "legacy", [pytest.param("mariadb", marks=needs("mariadbd")), "postgresql"], indirect=True
)
def test_a_way_that_the_file_chooses_is_that_of_the_flow_and_of_the_load_beside_it(pair: Pair) -> None:
    """The snapshot of MariaDB states a place in the binlog, which is no place of its outbox."""
    pair.file.write_text(
        pair.file.read_text() + '[sources.shop.capture]\nmechanism = "outbox"\nbatch = 7\n', encoding="utf-8"
    )
    pair.config = read_config(pair.file)
    options = pair.setting("forward").capture.options
    assert (options.mechanism, options.batch) == ("outbox", 7)
    pair.legacy.run("INSERT INTO customers (name) VALUES ('Ada'), ('Ben')")
    begin(pair.setting("forward"))
    pair.load()
    pair.legacy.run(
        "UPDATE customers SET name = 'Benjamin' WHERE id = 2", "DELETE FROM customers WHERE id = 1"
    )
    pair.carry("forward")
    assert names(pair) == [("Benjamin",)]
    pair.setting("reverse").party.prepare()
    pair.switch()
    pair.ours("UPDATE toy_customers SET name = 'Big Ben' WHERE org_id = %(org)s")
    pair.carry("reverse")
    pair.carry("forward")
    assert pair.legacy.rows("SELECT name FROM customers") == [("Big Ben",)]
    assert pair.setting("forward").party.foreign_writes() == 0
