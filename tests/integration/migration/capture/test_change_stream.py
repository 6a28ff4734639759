"""On the server that the tests have for MongoDB; what it cannot do is in tests/unit/migration/capture/test_change_streams.py."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from pymongo.database import Database

from caravan.migration.capture import (
    CaptureStoppedError,
    ChangeSource,
    Position,
    look,
    open_changes,
    position_of_snapshot,
    prepare_changes,
)
from caravan.migration.capture.change_stream import tags
from caravan.migration.load.readers import Record, decode, open_source
from caravan.migration.load.readers.mongodb_live import MongodbReader
from tests.fixtures.capabilities import needs
from tests.fixtures.captured import followed, with_changes
from tests.fixtures.mongodb_server import PrivateMongodb

pytestmark = needs("mongodb_server")


@pytest.fixture
def database(mongodb_server: PrivateMongodb) -> Iterator[Database[dict[str, Any]]]:
    name = f"t{uuid.uuid4().hex[:12]}"
    with mongodb_server.connect() as client:
        client[name].orders.insert_one({"_id": "first"})
        yield client[name]
        client.drop_database(name)


@pytest.fixture
def url(mongodb_server: PrivateMongodb, database: Database[dict[str, Any]]) -> str:
    return mongodb_server.url(database.name)


@pytest.fixture
def start(url: str) -> Position:
    return prepare_changes("mongodb", url, ["orders"])


@pytest.fixture
def source(url: str, start: Position) -> Iterator[ChangeSource]:
    with closing(open_changes("mongodb", url, ["orders"])) as opened:
        yield opened


def _told(source: ChangeSource, after: Position) -> list[tuple[str, Any, dict[str, Any] | None]]:
    found = []
    for each in followed(source, after):
        for change in each.changes:
            record = change.record
            assert record is None or isinstance(record, Record)
            found.append((change.kind, change.key["_id"], record and decode("bson", record.raw)))
    return found


def test_insert_update_replace_and_delete_are_told_in_order(
    database: Database[dict[str, Any]], source: ChangeSource, start: Position
):
    database.orders.insert_one({"_id": 1, "a": 1})
    first = followed(source, start)[-1].position
    database.orders.update_one({"_id": 1}, {"$set": {"a": 2}})
    second = followed(source, first)[-1].position
    database.orders.replace_one({"_id": 1}, {"b": 3})
    database.orders.delete_one({"_id": "first"})
    database.aside.insert_one({"_id": 1})

    assert _told(source, start)[0][:2] == ("upsert", 1)
    assert _told(source, first)[0][0] == "upsert"
    assert _told(source, second) == [("upsert", 1, {"_id": 1, "b": 3}), ("delete", "first", None)]


def test_documents_are_byte_for_byte_what_the_reader_gives(
    database: Database[dict[str, Any]], url: str, source: ChangeSource, start: Position
):
    database.orders.insert_one(
        {
            "_id": Int64(7),
            "amount": Decimal128("1.10"),
            "one": 1,
            "wide": Int64(1),
            "deep": {"list": [1.5, None]},
        }
    )
    captured = [change.record for each in followed(source, start) for change in each.changes]

    with closing(MongodbReader(url)) as reader:
        read = {record.raw for record in reader.read("orders")}
    assert {record.raw for record in captured if record is not None} < read


def test_a_position_leads_on_also_where_only_its_number_is_left(
    database: Database[dict[str, Any]], url: str, source: ChangeSource, start: Position
):
    for number in range(3):
        database.orders.insert_one({"_id": number})
    first, second, third = with_changes(source, start)

    with closing(open_changes("mongodb", url, ["orders"])) as again:
        assert with_changes(again, first.position) == [second, third]
        assert [each.position for each in with_changes(again, Position(second.position.number))] == [
            third.position
        ]


def test_a_transaction_comes_whole_with_the_tag_of_its_marker(
    database: Database[dict[str, Any]], source: ChangeSource, start: Position
):
    client = database.client
    with client.start_session() as session, session.start_transaction():
        chosen, update = tags.marking("rps/reverse")
        database[tags.MARKERS].update_one(chosen, update, upsert=True, session=session)
        database.orders.insert_many([{"_id": 1}, {"_id": 2}], session=session)
    database.orders.insert_one({"_id": 3})

    ours, theirs = with_changes(source, start)
    assert (ours.tag, [change.key["_id"] for change in ours.changes]) == ("rps/reverse", [1, 2])
    assert theirs.tag == ""


def test_writes_outside_of_transactions_are_told_from_those_of_others_by_our_field(
    database: Database[dict[str, Any]], source: ChangeSource, start: Position
):
    database.orders.insert_one({"_id": 1, "a": 1, **tags.stamp("rps/reverse")})
    database.orders.update_one({"_id": 1}, {"$set": {"a": 2, **tags.stamp("rps/reverse")}})
    database.orders.update_one({"_id": 1}, {"$set": {"a": 3}})
    database[tags.MARKERS].insert_one(tags.deleting("rps/reverse", "orders", "first"))
    database.orders.delete_one({"_id": "first"})
    database.orders.delete_one({"_id": "first"})  # nothing left to delete
    database.orders.insert_one({"_id": 2})

    found = with_changes(source, start)
    assert [each.tag for each in found] == ["rps/reverse", "rps/reverse", "", "rps/reverse", ""]
    records = [each.changes[0].record for each in found]
    assert not any(tags.FIELD.encode() in record.raw for record in records if record is not None)


def test_a_dropped_collection_stops_the_capture(
    database: Database[dict[str, Any]], source: ChangeSource, start: Position
):
    database.orders.drop()
    with pytest.raises(CaptureStoppedError, match="orders was ended by drop"):
        list(source.transactions(start, wait=10))


def test_a_snapshot_of_the_reader_tells_where_to_go_on(
    database: Database[dict[str, Any]], url: str, source: ChangeSource
):
    reader = open_source(url)
    assert isinstance(reader, MongodbReader)
    with closing(reader):
        position = position_of_snapshot("mongodb", reader.snapshot())
    database.orders.insert_one({"_id": 1})

    assert position is not None
    assert ("upsert", 1, {"_id": 1}) in _told(source, position)
    assert [offer.usable for offer in look("mongodb", url, ["orders"])] == [True]
