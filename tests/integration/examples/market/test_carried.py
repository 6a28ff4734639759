"""The market's data carried while shoppers are at work, verified, switched, and written back with the keys it was born with."""

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.capture import remove_changes
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.cutover.mapped_verification import MappedVerification
from caravan.migration.load import LoadRequest, run_load
from caravan.migration.load.planning import plan
from caravan.migration.load.readers.mariadb import MariadbReader
from caravan.migration.load.readers.tables import KeyRange
from caravan.migration.sync.flows import Direction
from caravan.migration.sync.guard import beside_flows
from caravan.migration.sync.runners import FlowSetting, flow_settings
from caravan.migration.units import Scope
from examples.market.stores import grant_engine, make_new, make_old, new_holds, old_connection, old_holds
from tests.fixtures.capabilities import needs
from tests.fixtures.mariadb_server import PrivateMariadb

pytestmark = needs("mariadbd")

FILE = """
[migration]
name = "market"
org = "market"
[sources.shop]
kind = "mariadb"
url = "{url}"
timezone = "Africa/Algiers"
"""
DATA_SET = """
[[data_sets]]
name = "{name}"
source = "shop"
collection = "{name}"
mapping = "examples.market.mapping:{name}"
"""
NAMES = ("products", "orders", "order_lines", "payments")


class Carried:
    def __init__(self, database: DatabaseAddress, url: str, folder: Path) -> None:
        self.database, self.url, self.home = database, url, folder
        self.org = uuid.uuid4()
        file = folder / "migration.toml"
        file.write_text(FILE.format(url=url) + "".join(DATA_SET.format(name=name) for name in NAMES))
        self.config: MigrationConfig = read_config(file)

    def setting(self, direction: Direction) -> FlowSetting:
        planned = plan(self.config, (self.org, None))
        return flow_settings(self.config, planned, self.database, direction, home=self.home)["shop"]

    def carry(self, direction: Direction) -> None:
        self.setting(direction).runner(threading.Event()).run(until_caught_up=True)

    def load(self) -> None:
        request = LoadRequest(
            config=self.config,
            database=self.database,
            tenants=lambda _org, _client: (self.org, None),
            home=self.home,
            workers=0,
            beside=beside_flows(self.database, self.config),
        )
        report = run_load(request)
        assert report.exit_code == 0, report.to_json()

    def old(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements on the old store in one transaction; returns the rows of the last."""
        with old_connection(self.url) as connection, connection.cursor() as cursor:
            connection.begin()
            for statement in statements:
                cursor.execute(statement)
            rows = list(cursor.fetchall())
            connection.commit()
            return rows

    def new(self, *statements: str) -> None:
        with psycopg.connect(self.database.libpq(Role.SYSTEM)) as connection:
            for statement in statements:
                connection.execute(statement.encode(), {"org": self.org})


@pytest.fixture
def carried(mariadb: PrivateMariadb, module_database: DatabaseAddress, tmp_path: Path) -> Iterator[Carried]:
    with mariadb.connect() as server, server.cursor() as cursor:
        cursor.execute("SET GLOBAL binlog_format = 'ROW'")
    url = mariadb.url(f"market_{uuid.uuid4().hex[:8]}")
    make_old(url, stock=100)
    found = Carried(module_database, url, tmp_path)
    make_new(module_database.libpq(None), found.org, products=False)
    grant_engine(module_database.libpq(None))
    yield found
    for direction in ("forward", "reverse"):
        capture = found.setting(direction).capture
        remove_changes(capture.kind, capture.place, capture.collections, capture.options)
    with psycopg.connect(module_database.libpq(None)) as connection:
        connection.execute("DROP SCHEMA market CASCADE")


ORDER = "INSERT INTO orders (reference, customer, total, created_at) VALUES ('{0}', 'Zoé', '{1}', '2026-07-01 12:00:00.123456')"
LINE = "INSERT INTO order_lines (order_id, position, product_id, quantity, price) VALUES ({0}, {1}, {2}, {3}, '1.90')"


def test_a_shop_is_carried_there_and_back(carried: Carried) -> None:
    carried.old(ORDER.format("r-1", "3.80"), LINE.format(1, 1, 1, 2))
    forward, reverse = carried.setting("forward").party, carried.setting("reverse").party
    forward.prepare()
    forward.carry_on()
    carried.old("UPDATE products SET stock = stock - 2 WHERE id = 1")
    carried.load()
    carried.old(
        ORDER.format("r-2", "1.90"),
        LINE.format(2, 1, 1, 1),
        "INSERT INTO payments (order_id, reference, amount, paid_at) VALUES (2, 'p-2', '1.90', '2026-07-01 12:00:01')",
        "UPDATE orders SET state = 'paid' WHERE id = 2",
        "UPDATE products SET stock = stock - 1 WHERE id = 1",
    )
    reverse.prepare()
    carried.carry("forward")
    address = carried.database.libpq(None)
    assert new_holds(address, carried.org) == old_holds(carried.url)
    with psycopg.connect(address) as connection:
        (moment,) = connection.execute(
            "SELECT created_at AT TIME ZONE 'UTC' FROM market.orders WHERE org_id = %s AND number = 1",
            (carried.org,),
        ).fetchone() or (None,)
    assert str(moment) == "2026-07-01 11:00:00.123456", "the old shop's clock is an hour ahead of UTC"

    reverse.start(reverse.head())
    forward.watch()
    carried.new(
        "INSERT INTO market.orders (org_id, id, number, reference, customer, total, created_at)"
        " VALUES (%(org)s, gen_random_uuid(), 1003, 'r-3', 'Amel', 5.80, '2026-07-02 08:00:00Z')",
        "INSERT INTO market.order_lines (org_id, id, order_id, position, product_id, quantity, price)"
        " SELECT %(org)s, gen_random_uuid(), o.id, 1, p.id, 2, 2.90 FROM market.orders o, market.products p"
        " WHERE o.org_id = %(org)s AND o.number = 1003 AND p.org_id = %(org)s AND p.sku = 'SKU-002'",
        "INSERT INTO market.payments (org_id, id, order_id, reference, amount, paid_at)"
        " SELECT %(org)s, gen_random_uuid(), id, 'p-3', 5.80, '2026-07-02 08:00:01Z' FROM market.orders"
        " WHERE org_id = %(org)s AND number = 1003",
        "UPDATE market.products SET stock = stock - 2 WHERE org_id = %(org)s AND sku = 'SKU-002'",
    )
    carried.carry("reverse")
    carried.carry("forward")
    assert forward.foreign_writes() == 0
    with psycopg.connect(address) as connection:
        refused = connection.execute(
            "SELECT data_set, reason, field, detail FROM engine.quarantine WHERE org_id = %s", (carried.org,)
        ).fetchall()
    assert refused == []
    assert old_holds(carried.url) == new_holds(address, carried.org)
    assert carried.old("SELECT id, customer, created_at FROM orders WHERE reference = 'r-3'")[0][:2] == (
        1003,
        "Amel",
    )
    assert carried.old(
        "SELECT order_id, position, product_id, quantity FROM order_lines WHERE order_id = 1003"
    ) == [(1003, 1, 2, 2)]
    assert str(carried.old("SELECT created_at FROM orders WHERE id = 1003")[0][0]) == "2026-07-02 09:00:00"


def test_what_changed_is_compared_before_a_switch_and_only_the_rest_at_its_last_moment(
    carried: Carried,
) -> None:
    forward = carried.setting("forward").party
    forward.prepare()
    forward.carry_on()
    carried.old(ORDER.format("r-1", "1.90"), ORDER.format("r-2", "1.90"), LINE.format(1, 1, 1, 1))
    carried.load()
    scope, own = Scope(carried.org, "market"), carried.setting("forward").own
    verification = MappedVerification(carried.config, carried.database, scope, "shop", "shop", own)

    with verification.kept_open():
        carried.old("UPDATE orders SET customer = 'Ann' WHERE id = 1", "UPDATE order_lines SET quantity = 2")
        carried.carry("forward")
        verification.prepare()
        assert (verification.dirty(within=20).checked, verification.dirty(within=20).differing) == (0, [])

        carried.old("UPDATE orders SET customer = 'Bob' WHERE id = 2")
        carried.carry("forward")
        carried.new("UPDATE market.orders SET customer = 'Eve' WHERE org_id = %(org)s AND number = 2")
        last = verification.dirty(within=20)
        assert (last.checked, list(last.differing)) == (1, ["orders: 2"])

        verification.prepare()  # what differs while changes flow is looked at again
        carried.new("UPDATE market.orders SET customer = 'Bob' WHERE org_id = %(org)s AND number = 2")
        last = verification.dirty(within=20)
        assert (last.checked, list(last.differing)) == (1, [])


def test_changed_records_of_a_large_table_are_read_by_their_keys(
    carried: Carried, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = carried.setting("forward").party
    forward.prepare()
    forward.carry_on()
    carried.old(*(ORDER.format(f"r-{number}", "1.90") for number in range(300)))
    carried.load()
    carried.carry("forward")
    scope, own = Scope(carried.org, "market"), carried.setting("forward").own
    verification = MappedVerification(carried.config, carried.database, scope, "shop", "shop", own)
    verification.prepare()
    carried.old("UPDATE orders SET customer = 'Ann' WHERE id IN (1, 150, 151, 300)")
    carried.carry("forward")
    read: list[int] = []
    whole = MariadbReader.read_range

    def counted(reader: MariadbReader, table: str, within: KeyRange) -> Iterator[object]:
        rows = list(whole(reader, table, within))
        read.append(len(rows))
        yield from rows

    monkeypatch.setattr(MariadbReader, "read_range", counted)
    found = verification.dirty(within=0.001)

    assert (found.checked, list(found.differing)) == (4, [])
    assert read == [1, 2, 1]
