# ruff: noqa: S608, S311 - statements and choices of a test, from a seed
"""A store that is written to, loaded and followed at once: in the end ours holds what it holds."""

import random
import threading
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.sync import begin, catch_up, open_connection
from tests.fixtures.capabilities import needs
from tests.fixtures.legacy_stores import MariadbLegacy, make_tables
from tests.fixtures.mariadb_server import PrivateMariadb
from tests.fixtures.toy.shop import make_shop
from tests.integration.migration.sync.test_both_ways import Pair

pytestmark = needs("mariadbd")


@pytest.fixture
def pair(own_database: DatabaseAddress, mariadb: PrivateMariadb, tmp_path: Path) -> Pair:
    make_shop(own_database, tmp_path)
    name = f"legacy_{uuid.uuid4().hex[:12]}"
    connection = mariadb.connect()
    with connection.cursor() as cursor:
        cursor.execute("SET GLOBAL binlog_format = 'ROW'")
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    legacy = MariadbLegacy(mariadb, name)
    make_tables(legacy)
    return Pair(own_database, legacy, tmp_path)


class Writer(threading.Thread):
    """Writes as a shop would, from a seed."""

    def __init__(self, pair: Pair, seed: int, operations: int) -> None:
        super().__init__()
        self._legacy, self._seed, self._operations = pair.legacy, random.Random(seed), operations

    def run(self) -> None:
        for number in range(self._operations):
            self._legacy.run(*self._one(number))

    def _one(self, number: int) -> list[str]:
        some = self._seed.randint(1, 130)
        match self._seed.randint(0, 5):
            case 0:
                return [f"INSERT INTO customers (name) VALUES ('new {number}')"]
            case 1:
                return [
                    f"DELETE FROM orders WHERE customer_id = {some}",
                    f"DELETE FROM customers WHERE id = {some}",
                ]
            case 2:
                return [
                    f"INSERT INTO orders (customer_id, number, total) VALUES ({some}, 'O{number}', {number})"
                ]
            case 3:
                return [f"UPDATE orders SET total = total + 1 WHERE customer_id <= {some}"]
            case _:
                return [f"UPDATE customers SET name = 'changed {number}' WHERE id IN ({some}, {some + 1})"]


def test_two_loads_a_flow_and_writers_at_once_end_equal(pair: Pair) -> None:
    many = ", ".join(f"('Customer {number}')" for number in range(120))
    pair.legacy.run(f"INSERT INTO customers (name) VALUES {many}")
    pair.legacy.run(
        "INSERT INTO orders (customer_id, number, total) SELECT id, concat('N', id), id FROM customers"
    )
    setting = pair.setting("forward")
    begin(setting)
    stop, failures = threading.Event(), []

    def carry() -> None:
        try:
            setting.runner(stop).run()
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    writers = [Writer(pair, seed, 30) for seed in (1, 2)]
    flow = threading.Thread(target=carry)
    for thread in (flow, *writers):
        thread.start()
    try:
        pair.load()
        pair.load()
        for writer in writers:
            writer.join()
        connection = open_connection(pair.database)
        catch_up(connection, setting.key, setting.party.head(), datetime.now(UTC) + timedelta(seconds=60))
        connection.close()
    finally:
        stop.set()
        flow.join(30)
    assert failures == []
    assert _ours(pair) == _theirs(pair)
    assert pair.ours("SELECT count(*) FROM engine.quarantine") == [(0,)]


def _ours(pair: Pair) -> list[tuple[object, ...]]:
    return pair.ours(
        "SELECT k.key::int, c.name, (SELECT string_agg(o.number || ' ' || o.total::int, ',' ORDER BY o.number)"
        " FROM toy_orders o WHERE o.org_id = c.org_id AND o.customer_id = c.id)"
        " FROM toy_customers c JOIN engine.legacy_keys k ON k.org_id = c.org_id AND k.row_id = c.id ORDER BY 1"
    )


def _theirs(pair: Pair) -> list[tuple[object, ...]]:
    return pair.legacy.rows(
        "SELECT c.id, c.name, (SELECT group_concat(concat(o.number, ' ', round(o.total)) ORDER BY o.number SEPARATOR ',')"
        " FROM orders o WHERE o.customer_id = c.id) FROM customers c ORDER BY 1"
    )
