"""The way back of an entity: the rows of a record make a record of which the same rows are made."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

import pytest
from bson import DBRef, Decimal128, Int64, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from caravan.migration.mapping.codecs import (
    Choice,
    Exact,
    ForeignKey,
    LocalDate,
    Money,
    Text,
    Through,
)  # fmt: skip
from caravan.migration.mapping.contract import InverseContext, MappedRecord, MappingContext, UnmappableError
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Field, Main, Side
from caravan.migration.mapping.keys import ReferenceKey
from tests.fixtures.inverses import documents_of, known_keys, verified
from tests.unit.migration.mapping.test_entity import CONTEXT, OID, ORDER


def back(entity: Entity, record: MappedRecord, keys: Mapping[tuple[str, bytes], ReferenceKey], shape: Literal["document", "row"] = "document") -> dict[str, Any]:  # fmt: skip
    return entity.invert(
        record.rows, InverseContext(CONTEXT, lambda name, row_id: keys.get((name, row_id)), shape)
    )


@given(documents_of(ORDER))
def test_any_order_of_the_toy_comes_back_as_one_that_maps_alike(document: dict[str, Any]) -> None:
    try:
        record = ORDER.map(document, CONTEXT)
    except UnmappableError:
        return
    again = ORDER.map(back(ORDER, record, known_keys(ORDER, document, CONTEXT)), CONTEXT)
    assert verified(ORDER, again) == verified(ORDER, record)


def test_what_was_kept_word_for_word_comes_back_word_for_word() -> None:
    document = {
        "_id": OID,
        "at": "soon",
        "total": "12.34567",
        "who": 1.5,
        "state": "new",
        "later": [Int64(1), {"x": Decimal128("1.10")}],
        "billing": "12 High Street",
        "items": [{"_id": "a", "price": "1.00001", "note": None}, {"_id": 7, "fragile": "very"}],
    }
    record = ORDER.map(document, CONTEXT)
    found = back(ORDER, record, known_keys(ORDER, document, CONTEXT))
    assert found == document
    assert type(found["later"][0]) is Int64


def test_a_value_that_our_side_has_changed_is_written_and_the_old_word_forgotten() -> None:
    document = {"_id": OID, "total": "12.34567", "state": "new"}
    record = ORDER.map(document, CONTEXT)
    ((*row,),) = record.rows["orders"]
    row[4], row[6] = row[4] + 1, "paid"
    record.rows["orders"] = [tuple(row)]
    found = back(ORDER, record, known_keys(ORDER, document, CONTEXT))
    assert (found["total"], found["state"]) == (Decimal128("13.3457"), "paid")


def test_a_row_that_was_born_here_needs_a_key_of_the_source_first() -> None:
    record = ORDER.map({"_id": OID}, CONTEXT)
    with pytest.raises(UnmappableError) as caught:
        back(ORDER, record, {})
    assert caught.value.kind == "key.unknown"


LINES = Entity(
    "line",
    Main(
        "lines",
        (
            Field("order_no", "order_id", ForeignKey("order", "orders")),
            Field("amount", "amount", Exact(2)),
            Field("at", "at", LocalDate()),
            Field("kind", "kind", Choice((("a", "x"),), "other"), "empty"),
            Field("weight", "weight", Through("tests.fixtures.pure_functions:doubled", "", "integer", loss="the weight")),
        ),
        key=("order_no", "position"),
        client=False,
    ),
    sides=(Side("line_words", (Field("kind", "kind", Text(), "empty"),)),),
)  # fmt: skip


def test_a_row_with_a_key_of_two_columns_comes_back_with_all_its_columns() -> None:
    row = {"order_no": 5, "position": "a:b,c", "kind": "odd", "note": UUID(int=3), "amount": None, "at": None}
    record = LINES.map(row, CONTEXT)
    assert (record.tag, record.key) == ("s", "i1:5,s5:a:b,c")
    keys = known_keys(LINES, row, CONTEXT)
    assert back(LINES, record, keys, "row") == row | {"weight": None}


def test_a_table_without_a_key_is_known_by_all_it_holds() -> None:
    entity = Entity("log", Main("logs", (Field("text", "text", Text()),), client=False, key=()))
    first, again, other = ({"text": "a", "at": 1}, {"at": 1, "text": "a"}, {"text": "a", "at": 2})
    assert entity.key_of(first) == entity.key_of(again) != entity.key_of(other)
    assert entity.key_of(first)[0] == "b"
    record = entity.map(first, CONTEXT)
    assert back(entity, record, {("log", record.id): (record.tag, record.key)}, "row") == first


def test_losses_are_told_and_what_another_column_keeps_is_none() -> None:
    told = {(loss.source, loss.column) for loss in LINES.losses}
    assert ("weight", "lines.weight") in told
    assert not any(source == "kind" and column == "lines.kind" for source, column in told)
    assert ("__v", "") in {(loss.source, loss.column) for loss in ORDER.losses}


@given(st.data())
def test_a_child_without_a_position_keeps_the_order_its_ids_tell(data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.fixed_dictionaries({"code": st.text("ab", min_size=1)}), max_size=4))
    document = {"_id": OID, "codes": codes, "who": DBRef("customers", ObjectId(b"1" * 12))}
    record = ORDER.map(document, CONTEXT)
    if codes:
        record.rows["codes"].reverse()
    found = back(ORDER, record, known_keys(ORDER, document, CONTEXT))
    assert found.get("codes", []) == codes


def test_money_in_another_zone_has_nothing_to_do_with_it() -> None:
    paris = MappingContext(UUID(int=1), None, UUID(int=2), timezone="Europe/Paris")
    entity = Entity(
        "sale", Main("sales", (Field("at", "at", LocalDate()), Field("sum", "sum", Money())), key=("id",))
    )
    row = {"id": 1, "at": "2024-10-27 02:30:00", "sum": 1}
    record = entity.map(row, paris)
    assert [finding.kind for finding in record.findings] == ["date.ambiguous"]
    inverse = InverseContext(paris, lambda _name, _id: ("i", "1"), "row")
    assert entity.invert(record.rows, inverse)["at"] == row["at"]
