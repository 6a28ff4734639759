"""The mapping of RPS on documents made by hand: where each thing goes, and what RPS's habits become."""

import json
from collections.abc import Mapping as MappingOf
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from uuid import UUID

import pytest
from bson import DBRef, Decimal128, ObjectId
from bson.datetime_ms import DatetimeMS

from caravan.commerce.affiliates import AffiliateState
from caravan.commerce.catalog import ProductState
from caravan.commerce.orders import OrderState
from caravan.commerce.payments import TransactionState
from caravan.core.database.base import Base
from caravan.core.ids import legacy_id
from caravan.legacy.rps import mapping
from caravan.legacy.rps.mapping import states
from caravan.migration.mapping.contract import Mapping, MappingContext, UnmappableError
from caravan.migration.mapping.registry import load_mapping

CONTEXT = MappingContext(UUID(int=1), UUID(int=3), UUID(int=2), timezone="Europe/London")
OID = ObjectId("507f1f77bcf86cd799439011")
OTHER = ObjectId("507f1f77bcf86cd799439012")
MAPPINGS = [load_mapping(f"caravan.legacy.rps.mapping:{name}") for name in mapping.__all__]


def rows(entity: Mapping, document: MappingOf[str, object], table: str) -> list[dict[str, object]]:
    """Return the rows of one table by column name."""
    columns = next(each.columns for each in entity.tables if each.name == table)
    found = entity.map({"_id": OID, **document}, CONTEXT).rows.get(table, [])
    return [dict(zip((column.name for column in columns), row, strict=True)) for row in found]


def row(entity: Mapping, document: MappingOf[str, object], table: str) -> dict[str, object]:
    (only,) = rows(entity, document, table)
    return only


@pytest.mark.parametrize("entity", MAPPINGS, ids=lambda entity: entity.entity)
def test_every_column_of_the_mapping_is_a_column_of_the_models(entity: Mapping) -> None:
    for feature in ("catalog", "customers", "promotions", "affiliates", "orders", "payments"):
        import_module(f"caravan.commerce.{feature}.models")
    import_module("caravan.legacy.rps.models")
    for table in entity.tables:
        columns = Base.metadata.tables[table.name].columns
        assert {column.name for column in table.columns} <= set(columns.keys())
        needed = {column.name for column in columns if not column.nullable and column.server_default is None}
        assert needed <= {column.name for column in table.columns}


@pytest.mark.parametrize(
    ("table", "ours"),
    [
        (states.ORDER_STATES, OrderState),
        (states.TRANSACTION_STATES, TransactionState),
        (states.PRODUCT_STATES, ProductState),
        (states.AFFILIATE_STATES, AffiliateState),
    ],
)
def test_state_tables_lead_to_states_we_have(table: tuple[tuple[str, str], ...], ours: type) -> None:
    assert {word for _, word in table} <= set(ours)
    assert [word for word, _ in table] == [word.lower() for word, _ in table]
    assert len({word for word, _ in table}) == len(table)


def test_an_order_has_its_amounts_and_its_people() -> None:
    order = row(
        mapping.orders,
        {
            "orderNumber": 536365,
            "createdAt": datetime(2010, 12, 1, 8, 26),  # noqa: DTZ001 - as BSON decodes
            "customer": DBRef("customers", OTHER, "rps"),
            "affiliate": OTHER,
            "currency": "gbp",
            "amount": 139.12,
            "taxAmount": "27.824",
            "totalAmount": Decimal128("166.9440"),
            "refundAmount": 0,
        },
        "orders",
    )
    assert order["number"] == "536365"
    assert order["created_at"] == order["placed_at"] == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert order["customer_id"] == legacy_id(CONTEXT.namespace, "customer", "o", str(OTHER)).bytes
    assert order["affiliate_id"] == legacy_id(CONTEXT.namespace, "affiliate", "o", str(OTHER)).bytes
    assert order["client_id"] == UUID(int=3).bytes
    assert order["currency"] == "GBP"
    assert [order[f"{name}_amount"] for name in ("subtotal", "tax", "total", "refunded", "shipping")] == [
        Decimal("139.12"),
        Decimal("27.824"),
        Decimal("166.944"),
        Decimal(0),
        None,
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("complete", "completed"), ("partial", "draft"), ("SHIPPED", "shipped"), ("refunded", "refunded")],
)
def test_the_state_is_ours_and_theirs_stays_word_for_word(theirs: str, ours: str) -> None:
    assert row(mapping.orders, {"state": theirs}, "orders")["state"] == ours
    assert row(mapping.orders, {"state": theirs}, "legacy_rps.orders")["state"] == theirs


def test_a_state_nobody_mapped_is_unknown_and_found() -> None:
    record = mapping.orders.map({"_id": OID, "state": "teleported"}, CONTEXT)
    assert [(finding.kind, finding.field) for finding in record.findings] == [("state.unknown", "state")]
    assert row(mapping.orders, {"state": "teleported"}, "orders")["state"] == "unknown"
    assert row(mapping.orders, {"state": "teleported"}, "legacy_rps.orders")["state"] == "teleported"


def test_a_state_that_is_no_text_is_found_once() -> None:
    record = mapping.orders.map({"_id": OID, "state": {"a": 1}}, CONTEXT)
    assert [finding.kind for finding in record.findings] == ["state.unknown"]


def test_flags_of_any_kind_are_numbers_and_booleans() -> None:
    side = row(
        mapping.orders,
        {
            "shipped": "1",
            "returned": False,
            "chargedBack": 2,
            "emailSent": 1,
            "isContinuity": "0",
            "splitCount": 3.0,
        },
        "legacy_rps.orders",
    )
    assert [side[name] for name in ("shipped", "returned", "charged_back", "split_count")] == [1, 0, 2, 3]
    assert [side[name] for name in ("email_sent", "is_continuity", "can_ship_partial")] == [True, False, None]


def test_a_delivery_before_our_era_is_empty_and_found() -> None:
    record = mapping.orders.map({"_id": OID, "deliveryDate": DatetimeMS(-62_169_984_000_000)}, CONTEXT)
    assert [(finding.kind, finding.field) for finding in record.findings] == [
        ("date.out_of_range", "deliveryDate")
    ]
    extra = row(mapping.orders, {"deliveryDate": DatetimeMS(-62_169_984_000_000)}, "orders")["extra"]
    assert json.loads(str(extra, "utf-8")) == {  # type: ignore[call-overload]
        "_original": {"deliveryDate": {"$date": {"$numberLong": "-62169984000000"}}}
    }


def test_a_total_that_is_no_number_sends_the_order_to_quarantine() -> None:
    with pytest.raises(UnmappableError) as caught:
        mapping.orders.map({"_id": OID, "totalAmount": float("nan")}, CONTEXT)
    assert (caught.value.kind, caught.value.field) == ("amount.not_a_number", "totalAmount")


def test_lines_keep_order_product_key_and_amounts() -> None:
    line = {"_id": OTHER, "sku": "A", "qtyOrdered": 6, "price": 2.55, "amount": "15.30", "product": OTHER}
    one, two = rows(mapping.orders, {"items": {"0": line, "3": {"warehouseId": 7}}}, "order_items")
    assert (one["position"], one["external_id"], one["quantity"]) == (0, str(OTHER), Decimal(6))
    assert (one["unit_price"], one["amount"], one["quantity_refunded"]) == (
        Decimal("2.55"),
        Decimal("15.3"),
        0,
    )
    assert one["product_id"] == legacy_id(CONTEXT.namespace, "product", "o", str(OTHER)).bytes
    assert (two["position"], two["external_id"], two["product_id"]) == (1, None, None)
    side = row(mapping.orders, {"items": [line, {"warehouseId": 7}]}, "legacy_rps.order_items")
    assert side["warehouse_id"] == "7"


def test_addresses_and_tracking_numbers_are_rows_of_the_order() -> None:
    document = {
        "billingAddress": {"name": "A", "postalCode": 1234},
        "shippingAddress": {"city": "Lyon", "floor": 3},
        "trackingNumbers": {"0": {"type": "dhl", "code": "T1"}},
    }
    billing, shipping = rows(mapping.orders, document, "addresses")
    assert (billing["kind"], billing["name"], billing["postal_code"]) == ("billing", "A", "1234")
    assert (shipping["kind"], shipping["city"], shipping["extra"]) == (
        "shipping",
        "Lyon",
        b'{"floor":{"$numberInt":"3"}}',
    )
    assert billing["id"] != shipping["id"]
    tracking = row(mapping.orders, document, "tracking_numbers")
    assert (tracking["carrier"], tracking["code"], tracking["position"]) == ("dhl", "T1", 0)


def test_embedded_documents_stay_json() -> None:
    side = row(
        mapping.orders,
        {
            "geo": {"ip": "10.0.0.1"},
            "promotions": {"0": {"code": "X", "amount": 1.5}},
            "transactions": [DBRef("transactions", OTHER)],
        },
        "legacy_rps.orders",
    )
    assert side["geo"] == b'{"ip":"10.0.0.1"}'
    assert side["promotions"] == b'[{"code":"X","amount":1.5}]'
    assert side["transactions"] == b'[{"$ref":"transactions","$id":{"$oid":"507f1f77bcf86cd799439012"}}]'


def test_a_customer_has_addresses_of_a_kind() -> None:
    document = {
        "firstName": "Ana",
        "_doctrine_class_name": "RPS\\Document\\VipCustomer",
        "loyaltyTier": "gold",
        "addresses": [{"kind": "Shipping", "city": "Oran"}, {"city": "Fès"}],
    }
    customer = row(mapping.customers, document, "customers")
    assert (customer["first_name"], customer["extra"]) == ("Ana", b'{"loyaltyTier":"gold"}')
    assert customer["created_at"] == datetime(1970, 1, 1, tzinfo=UTC)
    assert (
        row(mapping.customers, document, "legacy_rps.customers")["doctrine_class"]
        == "RPS\\Document\\VipCustomer"
    )
    assert [address["kind"] for address in rows(mapping.customers, document, "addresses")] == [
        "shipping",
        "billing",
    ]


def test_an_address_of_an_unknown_kind_is_for_billing_and_found() -> None:
    record = mapping.customers.map({"_id": OID, "addresses": [{"kind": "gift"}]}, CONTEXT)
    assert [(finding.kind, finding.field) for finding in record.findings] == [
        ("address.unknown_kind", "addresses.kind")
    ]


def test_a_product_may_have_no_name() -> None:
    product = row(mapping.products, {"name": None, "state": "in-active", "isTaxable": "1"}, "products")
    assert (product["name"], product["state"], product["is_taxable"]) == (None, "inactive", True)


def test_a_transaction_belongs_to_its_order() -> None:
    paid = row(
        mapping.transactions,
        {"order": DBRef("orders", OID), "state": "captured", "amount": 1},
        "transactions",
    )
    assert paid["order_id"] == legacy_id(CONTEXT.namespace, "order", "o", str(OID)).bytes
    assert (paid["state"], paid["amount"], paid["currency"]) == ("captured", Decimal(1), "USD")


def test_a_promotion_needs_its_code() -> None:
    with pytest.raises(UnmappableError) as caught:
        mapping.promos.map({"_id": OID, "name": "Spring"}, CONTEXT)
    assert (caught.value.kind, caught.value.field) == ("field.missing", "code")
    assert (
        row(mapping.promos, {"code": "A", "meta": {"percent": 10}}, "promotions")["rules"]
        == b'{"percent":10}'
    )


def test_an_affiliate_keeps_its_state_beside_ours() -> None:
    assert (
        row(mapping.affiliates, {"code": "AFF1", "state": "suspended"}, "affiliates")["state"] == "suspended"
    )
    assert row(mapping.affiliates, {"state": "suspended"}, "legacy_rps.affiliates")["state"] == "suspended"
