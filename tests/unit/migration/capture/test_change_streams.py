# ruff: noqa: ANN401 - fields of an event
"""What the server of the tests cannot show, on recorded events of MongoDB 7 and on a server that refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import Timestamp
from bson.raw_bson import RawBSONDocument
from pymongo.errors import AutoReconnect, OperationFailure

from caravan.migration.capture import CaptureRefusedError, CaptureStoppedError, ChangesLostError
from caravan.migration.capture.change_stream import tags
from caravan.migration.capture.change_stream.grouping import Grouping, token_time
from caravan.migration.capture.change_stream.source import ChangeStreamSource


def _event(
    kind: str, at: int, key: object, document: dict[str, Any] | None = None, **more: Any
) -> RawBSONDocument:
    told = {
        "_id": {"_data": f"82{at:08X}00000001"},
        "operationType": kind,
        "clusterTime": Timestamp(at, 1),
        "wallTime": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "ns": {"db": "shop", "coll": "orders"},
        "documentKey": {"_id": key},
        **({} if document is None else {"fullDocument": document}),
        **more,
    }
    return RawBSONDocument(bson.encode(told))


@pytest.fixture
def grouping() -> Grouping:
    return Grouping(["orders"], "mongodb://h/shop")


def test_events_of_one_cluster_time_are_one_transaction(grouping: Grouping):
    assert grouping.take(_event("insert", 5, 1, {"_id": 1})) is None
    assert grouping.take(_event("delete", 5, 2)) is None
    first = grouping.take(_event("insert", 6, 3, {"_id": 3}))
    second = grouping.ended()

    assert first is not None
    assert second is not None
    assert [(change.kind, change.key, change.step) for change in first.changes] == [
        ("upsert", {"_id": 1}, 0),
        ("delete", {"_id": 2}, 1),
    ]
    assert first.position.number == 5 << 32 | 1
    assert first.position < second.position
    assert grouping.ended() is None


def test_a_document_that_is_gone_when_it_is_looked_up_is_left_to_its_delete(grouping: Grouping):
    grouping.take(
        _event("update", 5, 1, None, fullDocument=None, updateDescription={"updatedFields": {"a": 1}})
    )
    found = grouping.ended()
    assert found is not None
    assert found.changes == ()


def test_a_replaced_document_that_still_carries_our_field_is_somebody_elses(grouping: Grouping):
    grouping.take(_event("replace", 5, 1, {"_id": 1, "a": 1, **tags.stamp("rps/reverse")}))
    found = grouping.ended()
    assert found is not None
    assert found.tag == ""
    assert found.changes[0].record is not None
    assert bson.decode(found.changes[0].record.raw) == {"_id": 1, "a": 1}


def test_an_announced_delete_that_found_nothing_does_not_claim_a_later_one(grouping: Grouping):
    marker = tags.deleting("rps/reverse", "orders", 1)
    grouping.take(_event("insert", 5, marker["_id"], marker, ns={"db": "shop", "coll": tags.MARKERS}))
    grouping.take(_event("insert", 6, 1, {"_id": 1}))
    grouping.take(_event("delete", 7, 1))
    found = grouping.ended()
    assert found is not None
    assert (found.tag, found.changes[0].kind) == ("", "delete")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("rename", {"to": {"db": "shop", "coll": "elsewhere"}}),
        ("dropDatabase", {"ns": {"db": "shop"}}),
        ("invalidate", {"ns": {}}),
    ],
)
def test_what_ends_a_collection_stops_the_capture(grouping: Grouping, kind: str, more: dict[str, Any]):
    with pytest.raises(CaptureStoppedError, match=f"ended by {kind}"):
        grouping.take(_event(kind, 5, 1, None, **more))


def test_the_end_of_another_collection_does_not(grouping: Grouping):
    assert grouping.take(_event("drop", 5, 1, None, ns={"db": "shop", "coll": "aside"})) is None


@pytest.mark.parametrize(
    ("token", "number"),
    [
        ({"_data": "8266A1B2C3000000072B0429296E1404"}, 0x66A1B2C3 << 32 | 7),
        ({"_data": "3b00"}, 0),
        (None, 0),
    ],
)
def test_the_time_in_a_resume_token(token: dict[str, Any] | None, number: int):
    assert token_time(token) == number


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OperationFailure("resume of change stream was not possible", 286), ChangesLostError),
        (OperationFailure("cannot resume", 280), ChangesLostError),
        (
            OperationFailure("The $changeStream stage is only supported on replica sets", 40573),
            CaptureRefusedError,
        ),
        (OperationFailure("not authorized on shop", 13), CaptureRefusedError),
        (AutoReconnect("connection closed"), CaptureStoppedError),
    ],
)
def test_what_the_server_answers_becomes_what_a_user_understands(
    monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[Exception]
):
    source = _source_without_server(monkeypatch)

    @contextmanager
    def failing() -> Iterator[None]:
        with source._telling():
            raise error
        yield

    with pytest.raises(raised, match="mongodb://me@h/shop"), failing():
        pass
    source.close()


def _source_without_server(monkeypatch: pytest.MonkeyPatch) -> ChangeStreamSource:
    monkeypatch.setattr(ChangeStreamSource, "_assert_replica_set", lambda _source: None)
    from caravan.migration.capture import CaptureOptions  # noqa: PLC0415 - beside its use

    return ChangeStreamSource("mongodb://me:secret@h/shop?connect=false", ["orders"], CaptureOptions())
