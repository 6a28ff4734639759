"""A fence of MongoDB on a live server: documents are refused by a validator, deletes are not, and that is said."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from pymongo.database import Database
from pymongo.errors import OperationFailure, WriteError

from caravan.migration.capture.changes import Position
from caravan.migration.cutover.fences.mongodb import MongodbFence
from caravan.migration.sync.legacy.mongodb import MongodbWriter
from caravan.migration.sync.legacy.writer import Stamp
from tests.fixtures.capabilities import needs
from tests.fixtures.mongodb_server import PrivateMongodb

pytestmark = needs("mongodb_server")
BEFORE = {"name": {"$exists": True}}


@pytest.fixture
def shop(mongodb_server: PrivateMongodb) -> Iterator[tuple[Database[dict[str, Any]], MongodbFence]]:
    name = f"shop_{uuid4().hex[:8]}"
    with mongodb_server.connect() as client:
        database = client[name]
        database.create_collection("orders", validator=BEFORE)
        database.create_collection("customers")
        database["orders"].insert_one({"_id": 1, "name": "first"})
        fence = MongodbFence(mongodb_server.url(name), ["orders", "customers"])
        yield database, fence
        fence.close()


def validator(database: Database[dict[str, Any]], name: str) -> Any:  # noqa: ANN401 - a document
    (found,) = database.list_collections(filter={"name": name})
    return found.get("options", {}).get("validator") or {}


def test_what_is_written_back_passes_the_fence(
    shop: tuple[Database[dict[str, Any]], MongodbFence], mongodb_server: PrivateMongodb
) -> None:
    database, fence = shop
    fence.put_up(uuid4(), within=20)
    writer = MongodbWriter(mongodb_server.url(database.name))
    try:
        writer.prepare()
        with writer.batch(Stamp("shop", 1, Position(1, "one"), "tag")) as batch:
            batch.put("orders", {"_id": 1}, {"name": "changed"})
            batch.put("customers", {"_id": 7}, {"name": "new"})
    finally:
        writer.close()
    assert database["orders"].find_one({"_id": 1}, {"_id": 0, "name": 1}) == {"name": "changed"}
    assert database["customers"].count_documents({"_id": 7}) == 1


def test_inserts_and_updates_are_refused_and_all_is_put_back(
    shop: tuple[Database[dict[str, Any]], MongodbFence],
) -> None:
    database, fence = shop
    transition = uuid4()
    for _ in range(2):
        fence.put_up(transition, within=20)
    assert (list(fence.standing()), fence.is_up(transition)) == ([transition], True)
    assert fence.old_transactions() == []
    for refused in (
        lambda: database["orders"].insert_one({"_id": 2, "name": "late"}),
        lambda: database["orders"].update_one({"_id": 1}, {"$set": {"name": "late"}}),
        lambda: database["customers"].insert_one({"_id": 1}),
    ):
        with pytest.raises((WriteError, OperationFailure)):
            refused()
    assert any("deletes pass a validator" in limit for limit in fence.limits)
    assert any("collMod" in statement for statement in fence.by_hand(transition))
    for _ in range(2):
        fence.take_down(transition, within=20)
    assert list(fence.standing()) == []
    assert (validator(database, "orders"), validator(database, "customers")) == (BEFORE, {})
    database["orders"].insert_one({"_id": 4, "name": "again"})
    with pytest.raises((WriteError, OperationFailure)):
        database["orders"].insert_one({"_id": 5})


def test_a_fence_half_put_up_by_a_process_that_died_is_found_and_completed(
    shop: tuple[Database[dict[str, Any]], MongodbFence], mongodb_server: PrivateMongodb
) -> None:
    database, fence = shop
    transition = uuid4()
    half = MongodbFence(mongodb_server.url(database.name), ["orders"])
    half.put_up(transition, within=20)
    half.close()
    assert (list(fence.standing()), fence.is_up(transition)) == ([transition], False)
    fence.put_up(transition, within=20)
    assert fence.is_up(transition)
    fence.take_down(transition, within=20)
    assert validator(database, "orders") == BEFORE
