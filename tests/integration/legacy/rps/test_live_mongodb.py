# ruff: noqa: S608 - statements of a test, on names of its own making
"""RPS on a running MongoDB, end to end: loaded while it is written to, followed, verified to the field, switched, written back, reversed."""

import gzip
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import bson
import psycopg
import pytest
from bson import DBRef, ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from caravan.core.database import DatabaseAddress, Role
from caravan.entry.tenants import ensured_tenants
from caravan.entry.verification import Wish, verify_records
from caravan.migration.capture import remove_changes
from caravan.migration.config import read_config
from caravan.migration.load import LoadRequest, run_load
from caravan.migration.load.planning import plan
from caravan.migration.sync import FlowSetting, beside_flows, flow_settings
from caravan.migration.sync.flows import Direction
from tests.fixtures.capabilities import needs
from tests.fixtures.mongodb_server import PrivateMongodb

pytestmark = needs("mongodb_server")

EXAMPLE = Path(__file__).resolve().parents[4] / "examples" / "rps"
COLLECTIONS = ("affiliates", "promos", "products", "customers", "orders", "transactions")
RECORDS = 80
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
READ: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


def sample(name: str) -> Iterator[RawBSONDocument]:
    """The first records of a collection, byte for byte."""
    with gzip.open(EXAMPLE / "dump" / f"{name}.bson.gz") as file:
        found = bson.decode_file_iter(cast("BinaryIO", file), codec_options=RAW)
        yield from (document for document, _ in zip(found, range(RECORDS), strict=False))


@pytest.fixture
def old(mongodb_server: PrivateMongodb) -> Iterator[Database[dict[str, Any]]]:
    """RPS's database with the first records of the sample."""
    name = f"rps_{uuid.uuid4().hex[:12]}"
    with mongodb_server.connect() as client:
        for collection in COLLECTIONS:
            client.get_database(name, codec_options=RAW)[collection].insert_many(list(sample(collection)))  # type: ignore[arg-type]  # raw bytes
        yield client.get_database(name, codec_options=READ)
        client.drop_database(name)


class Move:
    """The migration of the example with a running MongoDB for its dump."""

    def __init__(self, database: DatabaseAddress, url: str, folder: Path) -> None:
        text = (EXAMPLE / "migration.toml").read_text(encoding="utf-8")
        self._file = folder / "migration.toml"
        self._file.write_text(
            text.replace('kind = "mongodump"\npath = "dump"', f'kind = "mongodb"\nurl = "{url}"')
        )
        self.config = read_config(self._file)
        self.database, self._home = database, folder / "home"
        self.org, self._client = ensured_tenants(
            database, self.config.migration.org, self.config.migration.client
        )

    def flow(self, direction: Direction) -> FlowSetting:
        planned = plan(self.config, (self.org, self._client))
        return flow_settings(self.config, planned, self.database, direction, home=self._home)["rps"]

    def carry(self, direction: Direction) -> None:
        self.flow(direction).runner(threading.Event()).run(until_caught_up=True)

    @contextmanager
    def carried(self, direction: Direction) -> Iterator[None]:
        """Carry a flow in a thread while the block lasts."""
        stop = threading.Event()
        thread = threading.Thread(target=self.flow(direction).runner(stop).run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)
            assert not thread.is_alive()

    def load(self) -> None:
        request = LoadRequest(
            config=self.config,
            database=self.database,
            tenants=lambda _org, _client: (self.org, self._client),
            home=self._home,
            workers=0,
            beside=beside_flows(self.database, self.config),
        )
        report = run_load(request)
        assert report.exit_code == 0, report.to_json()

    def assert_the_same(self) -> None:
        """Hold every record of RPS against its rows, field by field."""
        wish = Wish(self.config, self.database, self.org, self._client)
        report = verify_records(wish, [item.name for item in self.config.data_sets])
        assert report.exit_code == 0, report.to_json()

    def ours(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.libpq(Role.SYSTEM), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def born(self, table: str, row_id: uuid.UUID, **changed: object) -> uuid.UUID:
        """Copy a row under a new id, as the platform would make one, with these columns changed."""
        columns = [
            name
            for (name,) in self.ours(
                "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
                " AND NOT attisdropped AND attgenerated = ''",
                table,
            )
        ]
        new = uuid.uuid4()
        values = {"id": new, **changed}
        chosen = ", ".join("%s" if name in values else f'"{name}"' for name in columns)
        named = ", ".join(f'"{name}"' for name in columns)
        self.ours(
            f"INSERT INTO {table} ({named}) SELECT {chosen} FROM {table} WHERE org_id = %s AND id = %s",
            *(values[name] for name in columns if name in values), self.org, row_id,
        )  # fmt: skip
        return new


@pytest.fixture
def move(
    own_database: DatabaseAddress,
    mongodb_server: PrivateMongodb,
    old: Database[dict[str, Any]],
    tmp_path: Path,
) -> Iterator[Move]:
    move = Move(own_database, mongodb_server.url(old.name), tmp_path)
    yield move
    capture = move.flow("reverse").capture
    remove_changes(capture.kind, capture.place, capture.collections, capture.options)


@contextmanager
def writing(write: Callable[[int], None]) -> Iterator[None]:
    """Write again and again while the block lasts, and at least ten times."""
    stop, problems = threading.Event(), []

    def run() -> None:
        number = 0
        try:
            while number < 10 or not stop.is_set():
                write(number)
                number += 1
                stop.wait(0.02)
        except Exception as error:  # noqa: BLE001 - told below
            problems.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
    assert problems == []


def busy(old: Database[dict[str, Any]], orders: list[Any], number: int) -> None:
    """What RPS does all day: an order changes, one is placed, a customer moves, a transaction goes."""
    customer = old.customers.find_one({}, {"_id": 1}, skip=number % 40)
    transaction = old.transactions.find_one({}, {"_id": 1})
    assert customer is not None
    assert transaction is not None
    old.orders.update_one({"_id": orders[number % 40]}, {"$set": {"email": f"{number}@shop.test"}})
    items = [{"sku": "A", "qtyOrdered": 2, "price": 5.125}]
    old.orders.insert_one(
        {
            "orderNumber": f"L{number}",
            "state": "complete",
            "totalAmount": 10.25,
            "customer": customer["_id"],
            "items": items,
        }
    )
    old.customers.update_one({"_id": customer["_id"]}, {"$set": {"lastName": f"Moved {number}"}})
    if number < RECORDS // 2:
        old.transactions.delete_one({"_id": transaction["_id"]})


def number_of(value: object) -> Decimal:
    """An amount as RPS may have it: a number of any BSON type, or its digits."""
    return Decimal(str(value))


def test_rps_moves_from_a_running_mongodb_and_back(move: Move, old: Database[dict[str, Any]]) -> None:
    ids = [document["_id"] for document in old.orders.find({}, {"_id": 1})]
    forward, reverse = move.flow("forward").party, move.flow("reverse").party
    forward.prepare()
    forward.carry_on()
    with move.carried("forward"), writing(partial(busy, old, ids)):
        move.load()
    move.carry("forward")
    move.assert_the_same()

    reverse.prepare()
    move.carry("forward")
    reverse.start(reverse.head())
    forward.watch()
    ((order, number, key), *_) = move.ours(
        "SELECT o.id, o.number, k.key FROM orders o JOIN engine.legacy_keys k ON k.org_id = o.org_id AND k.row_id = o.id"
        " WHERE o.org_id = %s AND k.key = ANY(%s) AND o.customer_id IS NOT NULL ORDER BY k.key", move.org, [str(each) for each in ids[40:]],
    )  # fmt: skip
    changed = ObjectId(key)
    before = old.orders.find_one({"_id": changed})
    assert before is not None
    move.ours("UPDATE orders SET email = 'new@side.test' WHERE id = %s", order)
    move.ours("UPDATE order_items SET quantity = quantity + 1 WHERE order_id = %s", order)
    placed = move.born("orders", order, number="NEW-1")
    move.born("legacy_rps.orders", order, id=placed)
    gone = move.ours("SELECT id FROM transactions WHERE org_id = %s ORDER BY id LIMIT 1", move.org)[0][0]
    move.ours("DELETE FROM legacy_rps.transactions WHERE id = %s", gone)
    move.ours("DELETE FROM transactions WHERE id = %s", gone)
    move.carry("reverse")

    written = old.orders.find_one({"_id": changed})
    assert written is not None
    assert (written["email"], written["orderNumber"]) == ("new@side.test", number)
    customer = DBRef("customers", before["customer"].id)
    assert written["customer"] == customer
    quantities = [number_of(item["qtyOrdered"]) for item in before["items"]]
    assert quantities
    assert [number_of(item["qtyOrdered"]) for item in written["items"]] == [each + 1 for each in quantities]
    fresh = old.orders.find_one({"orderNumber": "NEW-1"})
    assert fresh is not None
    assert (type(fresh["_id"]), fresh["customer"]) == (ObjectId, customer)
    move.carry("forward")
    assert forward.foreign_writes() == 0
    move.assert_the_same()

    move.carry("reverse")
    forward.start(forward.head())
    reverse.watch()
    old.orders.update_one({"_id": fresh["_id"]}, {"$set": {"email": "old@again.test"}})
    old.orders.delete_one({"_id": changed})
    move.carry("forward")
    assert move.ours("SELECT email FROM orders WHERE id = %s", placed) == [("old@again.test",)]
    move.assert_the_same()
    move.carry("reverse")
    assert reverse.foreign_writes() == 0
