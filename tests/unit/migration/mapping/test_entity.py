"""A declared entity: rows, ids, policies, what is kept word for word, references."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from bson import Binary, Decimal128, Int64, ObjectId

from caravan.core.ids import composite_key, legacy_id
from caravan.migration.mapping.codecs import Date, Flag, KeyText, Money, ReferenceTo, Text
from caravan.migration.mapping.contract import (
    Column,
    Finding,
    MappedRecord,
    MappingContext,
    Reference,
    UnmappableError,
)
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.errors import MappingDeclarationError
from caravan.migration.mapping.fields import Child, Field, Main, Side

CONTEXT = MappingContext(UUID(int=1), UUID(int=3), UUID(int=2))
OID = ObjectId("507f1f77bcf86cd799439011")
LINE = ObjectId("507f1f77bcf86cd799439012")
ORDER = Entity(
    entity="order",
    main=Main(
        "orders",
        (
            Field("at", "created_at", Date(), "empty"),
            Field("total", "total", Money(), default=Decimal(0)),
            Field("who", "customer_id", ReferenceTo("customer", "customers"), "empty"),
            Field("state", "state", Text(), "empty"),
        ),
        ignored=("__v",),
    ),
    sides=(Side("side", (Field("state", "state", Text(), "empty"), Field("at", "at", Date(), "empty"))),),
    children=(
        Child(
            "lines",
            "line",
            "items",
            "order_id",
            (
                Field("price", "price", Money()),
                Field("product", "product_id", ReferenceTo("product", "products"), "empty"),
                Field("_id", "external_id", KeyText(), "empty"),
            ),
            position="position",
            inherited=("created_at",),
            side=Side(
                "line_side", (Field("fragile", "fragile", Flag(), "empty"),), sparse=True, parent="order_id"
            ),
        ),
        Child(
            "addresses",
            "address",
            "billing",
            "order_id",
            (Field("city", "city", Text(), "empty"),),
            shape="one",
            discriminator="billing",
            constants=(("kind", "billing"),),
            on_bad="empty",
        ),
        Child(
            "addresses",
            "address",
            "shipping",
            "order_id",
            (Field("city", "city", Text(), "empty"),),
            shape="one",
            discriminator="shipping",
            constants=(("kind", "shipping"),),
            on_bad="empty",
        ),
        Child(
            "codes",
            "code",
            "codes",
            "order_id",
            (Field("code", "code", Text(), required=True),),
            on_bad="empty",
        ),
    ),
)


def mapped(**fields: object) -> MappedRecord:
    return ORDER.map({"_id": OID, **fields}, CONTEXT)


def line_id(*parts: tuple[str, str]) -> bytes:
    key = composite_key((("o", str(OID)), *parts))  # type: ignore[arg-type]
    return legacy_id(CONTEXT.namespace, "line", "s", key).bytes


def extra_of(row: tuple[Any, ...]) -> object:
    return json.loads(row[-1])


def test_a_record_is_a_row_of_its_tables_with_the_id_of_its_key() -> None:
    record = mapped(total=1.5, at=datetime(2024, 1, 1), state="new", __v=3)  # noqa: DTZ001 - as BSON decodes
    row_id = legacy_id(CONTEXT.namespace, "order", "o", str(OID)).bytes
    at = datetime(2024, 1, 1, tzinfo=UTC)
    org, client = CONTEXT.org_id.bytes, UUID(int=3).bytes
    assert (record.tag, record.key, record.id) == ("o", str(OID), row_id)
    assert record.rows == {
        "orders": [(org, row_id, client, at, Decimal("1.5"), None, "new", None)],
        "side": [(org, row_id, "new", at)],
    }
    assert record.findings == []


def test_the_tables_tell_columns_types_and_references() -> None:
    names = [table.name for table in ORDER.tables]
    assert names == ["orders", "side", "lines", "line_side", "addresses", "codes"]
    orders, side, lines, line_side, *_ = ORDER.tables
    assert orders.columns[:5] == (
        Column("org_id", "uuid"),
        Column("id", "uuid"),
        Column("client_id", "uuid"),
        Column("created_at", "timestamptz"),
        Column("total", "numeric", 4),
    )
    assert orders.references == (Reference("customer_id", "customers", "customer", "who"),)
    assert (orders.parent, side.parent, lines.parent, line_side.parent) == (
        None,
        "id",
        "order_id",
        "order_id",
    )
    assert lines.references == (Reference("product_id", "products", "product", "items.product"),)


def test_every_row_has_as_many_values_as_its_table_has_columns() -> None:
    record = mapped(
        items=[{"_id": LINE, "fragile": 1}],
        billing={"city": "Oran"},
        shipping={"city": "Fès"},
        codes=[{"code": "A"}],
    )
    widths = {table.name: len(table.columns) for table in ORDER.tables}
    assert {name: {len(row) for row in rows} for name, rows in record.rows.items()} == {
        name: {width} for name, width in widths.items()
    }


def test_a_bad_amount_sends_the_record_to_quarantine() -> None:
    with pytest.raises(UnmappableError) as caught:
        mapped(total=float("nan"))
    assert (caught.value.kind, caught.value.field) == ("amount.not_a_number", "total")


def test_a_bad_amount_in_a_line_names_the_line() -> None:
    with pytest.raises(UnmappableError) as caught:
        mapped(items=[{"price": 1}, {"price": "?"}])
    assert (caught.value.kind, caught.value.field) == ("amount.not_a_number", "items.price")
    assert "element 1" in caught.value.detail


def test_an_emptied_field_is_found_once_and_kept_word_for_word() -> None:
    record = mapped(at="soon", who=1.5, state=["x"])
    assert [(finding.kind, finding.field) for finding in record.findings] == [
        ("date.not_a_date", "at"),
        ("reference.not_a_reference", "who"),
        ("text.wrong_type", "state"),
    ]
    assert {finding.key for finding in record.findings} == {str(OID)}
    row = record.rows["orders"][0]
    assert row[3:7] == (None, Decimal(0), None, None)
    assert extra_of(row) == {"_original": {"at": "soon", "who": {"$numberDouble": "1.5"}, "state": ["x"]}}


def test_a_rounded_amount_is_loaded_and_its_original_kept() -> None:
    record = mapped(total=Decimal128("1.23456"))
    assert record.findings == [
        Finding("money.rounded", str(OID), "total", "Decimal('1.23456') has more than four places")
    ]
    row = record.rows["orders"][0]
    assert row[4] == Decimal("1.2346")
    assert extra_of(row) == {"_original": {"total": {"$numberDecimal": "1.23456"}}}


def test_unknown_fields_are_kept_on_the_level_where_they_stood() -> None:
    record = mapped(
        old={"a": 1},
        items=[{"note": Int64(5)}, {"price": 2}],
        billing={"city": "Oran", "_id": 7},
        shipping={"city": "Fès"},
    )
    assert extra_of(record.rows["orders"][0]) == {"old": {"a": {"$numberInt": "1"}}}
    noted, plain = record.rows["lines"]
    assert extra_of(noted) == {"note": {"$numberLong": "5"}}
    assert plain[-1] is None
    billing, shipping = record.rows["addresses"]
    assert extra_of(billing) == {"_id": {"$numberInt": "7"}}
    assert shipping[-1] is None


def test_a_field_of_the_source_called_as_our_originals_is_not_lost() -> None:
    record = mapped(_original="theirs", at="soon")
    assert extra_of(record.rows["orders"][0]) == {"_original": {"_original": "theirs", "at": "soon"}}


def test_absent_and_null_are_the_default() -> None:
    assert mapped(total=None).rows["orders"] == mapped().rows["orders"]
    assert mapped().rows["orders"][0][4] == Decimal(0)


def test_a_line_has_its_own_key_within_its_order_else_its_position() -> None:
    record = mapped(items=[{"_id": LINE}, {}, {"_id": 1}, {"_id": "1"}])
    assert [row[1] for row in record.rows["lines"]] == [
        line_id(("s", "_id"), ("o", str(LINE))),
        line_id(("i", "1")),
        line_id(("s", "_id"), ("i", "1")),
        line_id(("s", "_id"), ("s", "1")),
    ]
    assert [row[3] for row in record.rows["lines"]] == [0, 1, 2, 3]


def test_the_same_line_key_in_two_orders_is_two_lines() -> None:
    other = ORDER.map({"_id": 5, "items": [{"_id": LINE}]}, CONTEXT)
    assert other.rows["lines"][0][1] != mapped(items=[{"_id": LINE}]).rows["lines"][0][1]


def test_a_line_key_repeated_in_one_order_is_found_and_its_line_kept() -> None:
    record = mapped(items=[{"_id": LINE}, {"_id": LINE}])
    assert [row[1] for row in record.rows["lines"]] == [
        line_id(("s", "_id"), ("o", str(LINE))),
        line_id(("i", "1")),
    ]
    assert [(finding.kind, finding.field) for finding in record.findings] == [("key.repeated", "items._id")]


def test_a_line_key_that_is_none_is_found_and_its_line_kept() -> None:
    record = mapped(items=[{"_id": [1]}])
    assert record.rows["lines"][0][1] == line_id(("i", "0"))
    assert extra_of(record.rows["lines"][0]) == {"_original": {"_id": [{"$numberInt": "1"}]}}
    assert [(finding.kind, finding.field) for finding in record.findings] == [
        ("reference.not_a_reference", "items._id")
    ]


def test_a_key_that_is_none_is_found_and_kept_where_no_column_takes_it_too() -> None:
    record = mapped(codes=[{"_id": [1], "code": "A"}])
    assert extra_of(record.rows["codes"][0]) == {"_id": [{"$numberInt": "1"}]}
    assert [(finding.kind, finding.field) for finding in record.findings] == [("key.not_a_key", "codes._id")]


def test_a_sparse_side_of_the_record_is_written_where_it_says_something() -> None:
    shop = Entity("a", Main("t", ()), (Side("s", (Field("x", "x", Text()),), sparse=True),))
    assert "s" not in shop.map({"_id": 1}, CONTEXT).rows
    assert len(shop.map({"_id": 1, "x": "y"}, CONTEXT).rows["s"]) == 1


def test_lines_as_an_object_with_numeric_keys_are_lines() -> None:
    one, two = {"price": 1}, {"price": 2}
    assert mapped(items={"2": two, "0": one}).rows["lines"] == mapped(items=[one, two]).rows["lines"]


@pytest.mark.parametrize(
    ("items", "kind"), [("x", "list.not_a_list"), ({"a": 1}, "list.not_a_list"), ([1], "list.not_a_document")]
)
def test_lines_of_another_shape_send_the_order_to_quarantine(items: object, kind: str) -> None:
    with pytest.raises(UnmappableError) as caught:
        mapped(items=items)
    assert (caught.value.kind, caught.value.field) == (kind, "items")


def test_an_address_of_another_shape_is_found_and_kept_word_for_word() -> None:
    record = mapped(billing="12 High Street")
    assert [(finding.kind, finding.field) for finding in record.findings] == [
        ("list.not_a_document", "billing")
    ]
    assert "addresses" not in record.rows
    assert extra_of(record.rows["orders"][0]) == {"_original": {"billing": "12 High Street"}}


def test_a_needed_field_that_is_absent_sends_the_record_to_quarantine() -> None:
    with pytest.raises(UnmappableError) as caught:
        mapped(codes=[{"code": "A"}, {}])
    assert (caught.value.kind, caught.value.field) == ("field.missing", "codes.code")


def test_a_sparse_side_row_is_written_where_it_says_something() -> None:
    record = mapped(items=[{}, {"fragile": None}, {"fragile": "1"}])
    ids = [row[1] for row in record.rows["lines"]]
    assert record.rows["line_side"] == [(CONTEXT.org_id.bytes, ids[2], record.id, True)]


def test_a_bad_value_of_a_side_row_is_kept_with_its_line() -> None:
    record = mapped(items=[{"fragile": "very"}])
    assert "line_side" not in record.rows
    assert extra_of(record.rows["lines"][0]) == {"_original": {"fragile": "very"}}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (OID, ("o", str(OID))),
        (7, ("i", "7")),
        (Int64(7), ("i", "7")),
        (7.0, ("i", "7")),
        ("7", ("s", "7")),
        (str(OID), ("s", str(OID))),
        (Binary(bytes(15) + b"\x01", 4), ("u", "00000000-0000-0000-0000-000000000001")),
        (Binary(b"\x01", 4), ("b", "01")),
        (b"\xff", ("b", "ff")),
    ],
)
def test_a_key_has_a_type(key: object, expected: tuple[str, str]) -> None:
    assert ORDER.key_of({"_id": key}) == expected


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({}, "key.missing"),
        ({"_id": None}, "key.missing"),
        ({"_id": 1.5}, "key.not_a_key"),
        ({"_id": True}, "key.not_a_key"),
        ({"_id": {"a": 1}}, "key.not_a_key"),
        ({"_id": "a\x00"}, "key.not_a_key"),
    ],
)
def test_a_record_without_a_usable_key_goes_to_quarantine(document: dict[str, Any], kind: str) -> None:
    with pytest.raises(UnmappableError) as caught:
        ORDER.map(document, CONTEXT)
    assert (caught.value.kind, caught.value.field) == (kind, "_id")


def test_references_are_told_as_the_source_wrote_them() -> None:
    document = {
        "_id": OID,
        "who": 12,
        "items": [{"product": str(LINE)}, {"product": None}, {"product": [1]}],
        "billing": "not an address",
    }
    record = ORDER.map(document, CONTEXT)
    who, product = ORDER.references(document, CONTEXT)
    assert (who.table, who.row_id, who.column, who.source, who.tag, who.text) == (
        "orders", record.id, "customer_id", "who", "i", "12",
    )  # fmt: skip
    assert (product.table, product.row_id, product.source, product.tag, product.text) == (
        "lines", record.rows["lines"][0][1], "items.product", "o", str(LINE),
    )  # fmt: skip


def test_two_loads_of_one_mapping_keep_their_tenants_apart() -> None:
    other = MappingContext(UUID(int=9), None, UUID(int=8))
    assert ORDER.map({"_id": OID}, other).rows["orders"][0][0] == UUID(int=9).bytes
    assert mapped().rows["orders"][0][0] == UUID(int=1).bytes
    assert ORDER.map({"_id": OID}, other).id != mapped().id


def test_the_version_follows_the_declaration() -> None:
    money = Entity("a", Main("t", (Field("x", "x", Money()),)))
    assert money.version == Entity("a", Main("t", (Field("x", "x", Money()),))).version
    assert money.version != Entity("a", Main("t", (Field("x", "x", Text()),))).version
    assert money.version != Entity("a", Main("t", (Field("x", "x", Money(), "empty"),))).version


def test_two_fields_for_one_column_are_a_contradiction() -> None:
    with pytest.raises(MappingDeclarationError, match="two fields fill x"):
        _ = Entity("a", Main("t", (Field("x", "x", Text()), Field("y", "x", Text())))).tables


def test_two_children_that_disagree_about_their_table_are_a_contradiction() -> None:
    children = (
        Child("c", "c", "a", "t_id", (Field("x", "x", Text()),)),
        Child("c", "c", "b", "t_id", (Field("y", "y", Text()),)),
    )
    with pytest.raises(MappingDeclarationError, match="different columns"):
        _ = Entity("a", Main("t", ()), children=children).tables
