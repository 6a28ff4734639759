# ruff: noqa: S608 - statements of a test, on names of its own making
"""A legacy store of documents, both ways: a touched child brings its whole record back."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from bson import ObjectId
from pymongo.collection import Collection
from pymongo.database import Database

from caravan.core.database import DatabaseAddress
from caravan.migration.capture import Position, remove_changes
from caravan.migration.sync.legacy.mongodb import MongodbWriter, object_id_of
from caravan.migration.sync.legacy.writer import Stamp
from tests.fixtures.capabilities import needs
from tests.fixtures.followed_shop import owner_execute
from tests.fixtures.mongodb_server import PrivateMongodb
from tests.fixtures.toy.shop import make_shop
from tests.integration.migration.sync.test_both_ways import Pair

pytestmark = needs("mongodb_server")


@dataclass
class MongodbLegacy:
    url: str
    kind: Literal["mongodb"] = "mongodb"

    @property
    def source(self) -> str:
        return f'kind = "mongodb"\nurl = "{self.url}"'


@pytest.fixture(scope="module")
def database(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> DatabaseAddress:
    make_shop(module_database, tmp_path_factory.mktemp("tables"))
    owner_execute(module_database, ["ALTER TABLE toy_lines ADD extra jsonb"])
    return module_database


@pytest.fixture
def documents(mongodb_server: PrivateMongodb) -> Iterator[Database[dict[str, Any]]]:
    name = f"t{uuid.uuid4().hex[:12]}"
    with mongodb_server.connect() as client:
        client[name].create_collection("customers")
        client[name].create_collection("orders")
        yield client[name]
        client.drop_database(name)


@pytest.fixture
def pair(
    database: DatabaseAddress,
    mongodb_server: PrivateMongodb,
    documents: Database[dict[str, Any]],
    tmp_path: Path,
) -> Iterator[Pair]:
    pair = Pair(
        database,
        MongodbLegacy(mongodb_server.url(documents.name)),  # type: ignore[arg-type]
        tmp_path,
        mappings="document_mapping",
    )
    yield pair
    capture = pair.setting("reverse").capture
    remove_changes(capture.kind, capture.place, capture.collections, capture.options)


def test_documents_go_both_ways_with_what_is_inside_them(
    pair: Pair, documents: Database[dict[str, Any]]
) -> None:
    forward, reverse = pair.setting("forward").party, pair.setting("reverse").party
    forward.prepare()
    forward.carry_on()
    ada, first = ObjectId(), ObjectId()
    documents.customers.insert_one({"_id": ada, "name": "Ada", "since": 1815})
    lines = [{"sku": "A", "weight": 1.5}, {"sku": "B", "weight": 2.0}, {"sku": "C", "weight": 3.0}]
    documents.orders.insert_one(
        {"_id": first, "customer": ada, "number": "N1", "total": "10.50", "lines": lines, "cache": {"a": 1}}
    )
    reverse.prepare()
    pair.carry("forward")
    skus = "SELECT sku FROM toy_lines WHERE org_id = %(org)s ORDER BY position"
    assert pair.ours(skus) == [("A",), ("B",), ("C",)]

    pair.switch()
    pair.ours("DELETE FROM toy_lines WHERE org_id = %(org)s AND sku = 'B'")
    pair.ours("UPDATE toy_customers SET name = 'Ada L.' WHERE org_id = %(org)s")
    born = uuid.uuid4()
    pair.ours(
        f"INSERT INTO toy_orders (org_id, id, customer_id, number, total) SELECT org_id, '{born}', id, 'N2', 5"
        " FROM toy_customers WHERE org_id = %(org)s"
    )
    pair.ours(
        f"INSERT INTO toy_lines (org_id, id, order_id, position, sku, weight)"
        f" VALUES (%(org)s, gen_random_uuid(), '{born}', 0, 'Z', 9)"
    )
    pair.carry("reverse")
    assert documents.customers.find_one({"_id": ada}) == {"_id": ada, "name": "Ada L.", "since": 1815}
    kept = documents.orders.find_one({"_id": first})
    assert kept is not None
    assert ([line["sku"] for line in kept["lines"]], kept["cache"]) == (["A", "C"], {"a": 1})
    fresh = documents.orders.find_one({"number": "N2"})
    assert fresh is not None
    assert (type(fresh["_id"]), fresh["customer"], [line["sku"] for line in fresh["lines"]]) == (
        ObjectId, ada, ["Z"],
    )  # fmt: skip
    pair.carry("forward")
    assert forward.foreign_writes() == 0

    pair.carry("reverse")
    forward.start(forward.head())
    reverse.watch()
    documents.orders.update_one({"number": "N2"}, {"$set": {"number": "N2 again"}})
    documents.orders.delete_one({"_id": first})
    pair.carry("forward")
    assert pair.ours("SELECT id, number FROM toy_orders WHERE org_id = %(org)s") == [(born, "N2 again")]
    assert pair.ours(skus) == [("Z",)]


def test_writes_without_transactions_are_known_as_ours_too(
    pair: Pair, documents: Database[dict[str, Any]]
) -> None:
    documents.customers.insert_one({"_id": "kept", "name": "before", "old": 1, "cache": 2})
    documents.customers.insert_one({"_id": "gone", "name": "before"})
    setting = pair.setting("forward")
    setting.party.prepare()  # it watches
    writer = MongodbWriter(str(setting.capture.place))
    writer._has_transactions = False
    writer.prepare()
    row_id = uuid.uuid4()
    for _ in range(2):  # as after a crash
        with writer.batch(Stamp("flow", 1, Position(7), f"{pair.config.migration.name}/reverse")) as batch:
            batch.put("customers", {"_id": "kept"}, {"name": "after"}, kept=("cache",))
            assert batch.insert("customers", row_id, ("_id",), {"name": "born"}) == (
                "o",
                str(object_id_of(row_id)),
            )
            batch.remove("customers", {"_id": "gone"})
    writer.close()
    found = {str(each.pop("_id")): each for each in documents.customers.find({}, {"_caravan": 0})}
    assert found == {"kept": {"name": "after", "cache": 2}, str(object_id_of(row_id)): {"name": "born"}}
    pair.carry("forward")
    assert setting.party.foreign_writes() == 0
    documents.customers.update_one({"_id": "kept"}, {"$set": {"name": "by somebody"}})
    pair.carry("forward")
    assert setting.party.foreign_writes() == 1


class CrashedError(BaseException):
    """Stands for a kill: nothing in the product may catch it."""


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, writes: int) -> Iterator[None]:
    """Without transactions each write is there at once; die before the one after so many."""
    left = [writes]

    def counted(name: str) -> None:
        original = getattr(Collection, name)

        def write(self: Collection[Any], *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - passed on
            if not left[0]:
                raise CrashedError
            left[0] -= 1
            return original(self, *arguments, **options)

        patched.setattr(Collection, name, write)

    with monkeypatch.context() as patched:
        for name in ("update_one", "insert_one", "delete_one"):
            counted(name)
        yield


def test_without_transactions_a_crash_behind_any_write_is_healed_by_writing_again(
    pair: Pair, documents: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_transactions(self: MongodbWriter, url: str) -> None:
        opened(self, url)
        self._has_transactions = False

    opened = MongodbWriter.__init__
    monkeypatch.setattr(MongodbWriter, "__init__", without_transactions)
    forward, reverse = pair.setting("forward").party, pair.setting("reverse").party
    forward.prepare()
    forward.carry_on()
    documents.customers.insert_one({"name": "kept", "cache": 1})
    reverse.prepare()
    pair.carry("forward")
    pair.switch()
    died, writes = True, 0
    while died:
        name = f"round {writes}"
        born, gone = uuid.uuid4(), f"{name} gone"
        pair.ours(
            f"INSERT INTO toy_customers (org_id, id, name) VALUES (%(org)s, gen_random_uuid(), '{gone}')"
        )
        pair.carry("reverse")
        pair.ours(f"DELETE FROM toy_customers WHERE org_id = %(org)s AND name = '{gone}'")
        pair.ours(
            "UPDATE toy_customers SET name = 'kept, "
            + name
            + "' WHERE org_id = %(org)s AND name LIKE 'kept%%'"
        )
        pair.ours(
            f"INSERT INTO toy_orders (org_id, id, number, total) VALUES (%(org)s, '{born}', '{name}', 1)"
        )
        try:
            with dying(monkeypatch, writes):
                pair.carry("reverse")
            died = False
        except CrashedError:
            writes += 1
        pair.carry("reverse")
        assert sorted(each["name"] for each in documents.customers.find()) == [f"kept, {name}"]
        assert documents.orders.count_documents({"number": name}) == 1
        pair.carry("forward")
        assert forward.foreign_writes() == 0, name
    assert writes > 5
    keys = pair.ours("SELECT count(*), count(DISTINCT key) FROM engine.legacy_keys WHERE org_id = %(org)s")
    assert keys == [(writes + 2, writes + 2)]
