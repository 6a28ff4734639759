"""The order's page of RPS: every column of the sheet's sections 4.1 and 4.2 (R-14, R-23)."""

from uuid import UUID, uuid4

import pytest

from caravan.legacy.rps.answers import OrderAnswer
from tests.fixtures.shop import Reader, Readers, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMMON = {"id", "org_id", "created_at", "deleted_at"}
ORDER = COMMON | {
    "client_id", "customer_id", "billing_address_id", "shipping_address_id",
    "order_number", "token", "currency", "locale_type", "state", "type", "email", "discount_code", "descriptor",
    "site_theme", "purchase_type", "display_type", "shipment_type", "redemption_code", "risk_source",
    "fulfillment_state",
    "external_fulfillment_id", "external_order_number", "subscription_id", "payment_page_id",
    "conversion_tracking_id", "affiliate_tour_id",
    "amount", "base_amount", "tax_amount", "shipping_amount", "discount_amount", "total_amount", "refund_amount",
    "refund_request", "tax_refund_amount", "shipping_refund", "affiliate_payout",
    "quantity", "quantity_refunded", "weight", "risk_score",
    "shipped", "returned", "sales_check", "charged_back", "redeemed", "shipping_refund_request", "representment",
    "split_count", "shipping_priority", "installment_payments", "timeout_seconds",
    "can_ship_partial", "email_sent", "tracking_email_sent", "is_continuity",
    "modified_at", "transaction_date", "fulfillment_date", "transit_date", "delivery_date", "rma_date",
    "blacklist_date", "last_refund_date", "redemption_date", "email_sent_date", "tracking_email_sent_date",
    "geo", "source", "origin", "promotions", "extra",
}  # fmt: skip
ITEM = COMMON | {
    "order_id", "product_id", "name", "description", "sku", "qty_ordered", "qty_refunded", "qty_pending_refund",
    "amount", "refund_amount", "weight", "price", "warehouse_id", "do_not_ship", "meta",
}  # fmt: skip
TRANSACTION = COMMON | {"order_id", "state", "amount", "currency", "processor", "response_code", "details"}
TRACKING = COMMON | {"order_id", "kind", "code"}
ADDRESS = COMMON | {
    "customer_id", "order_id", "kind", "name", "line1", "line2", "city", "region", "postal_code", "country", "phone",
}  # fmt: skip


def imported(shop: Shop) -> UUID:
    """An order with something in every place."""
    customer = shop.customer(first_name="Maya", last_name="Haddad", created_at="2025-12-01T00:00:00Z")
    order = shop.order(
        customer_id=customer,
        number="500000",
        subtotal_amount="9.95",
        refunded_amount="1",
        created_at="2026-01-01T00:00:00Z",
    )
    shop.beside(
        "orders",
        order,
        state="Complete",
        affiliate_payout="0.5",
        shipped=1,
        email_sent=True,
        modified_at="2026-01-03T15:02:32.5Z",
        conversion_tracking="5f0000000000000000000001",
        geo={"ip": "10.0.0.1"},
        promotions=[{"code": "SPRING"}],
    )
    for position in (1, 0):
        shared = {"order_id": order, "position": position, "created_at": "2026-01-01T00:00:00Z"}
        line = shop.row("order_items", quantity=2, unit_price="4.975", **shared)
        shop.row("tracking_numbers", carrier="dhl", code=f"T{position}", **shared)
    shop.beside("order_items", line, order_id=order, warehouse_id="w1", do_not_ship=False, meta={"a": 1})
    for kind in ("billing", "shipping"):
        shop.row("addresses", order_id=order, kind=kind, region=kind)
    for day in (1, 2):
        shop.transaction(order_id=order, amount=day, created_at=f"2026-01-0{day}", details={"avs": "Y"})
    return order


async def test_every_column_of_the_sheet_is_there_and_no_other(shop: Shop, read: Reader) -> None:
    answer = await read(f"/rps/orders/{imported(shop)}")
    OrderAnswer.model_validate_json(answer.content)
    body = answer.json()
    assert list(body) == [
        "order",
        "items",
        "transactions",
        "tracking",
        "billingAddress",
        "shippingAddress",
        "customer",
    ]
    assert set(body["order"]) == ORDER
    for part, columns in (("items", ITEM), ("transactions", TRANSACTION), ("tracking", TRACKING)):
        assert [set(row) for row in body[part]] == [columns] * 2
    assert set(body["billingAddress"]) == set(body["shippingAddress"]) == ADDRESS
    assert list(body["customer"]) == ["id", "first_name", "last_name", "email", "created_at"]


async def test_columns_carry_what_was_imported(shop: Shop, read: Reader) -> None:
    order = imported(shop)
    body = await read.json(f"/rps/orders/{order}")
    shown = body["order"]
    assert shown["id"] == str(order)
    assert shown["org_id"] == str(shop.org)
    assert (shown["state"], shown["order_number"]) == ("Complete", "500000")
    assert (shown["amount"], shown["refund_amount"], shown["affiliate_payout"]) == (9.95, 1.0, 0.5)
    assert (shown["shipped"], shown["email_sent"], shown["is_continuity"]) == (1, True, None)
    assert shown["modified_at"] == "2026-01-03T15:02:32.500000+00:00"
    assert shown["conversion_tracking_id"] == "5f0000000000000000000001"
    assert (shown["geo"], shown["promotions"]) == ({"ip": "10.0.0.1"}, [{"code": "SPRING"}])
    assert shown["billing_address_id"] == body["billingAddress"]["id"]
    assert shown["shipping_address_id"] == body["shippingAddress"]["id"]
    assert body["shippingAddress"]["region"] == "shipping"
    assert [(row["qty_ordered"], row["price"]) for row in body["items"]] == [(2.0, 4.975)] * 2
    assert [row["warehouse_id"] for row in body["items"]] == ["w1", None]
    assert [row["meta"] for row in body["items"]] == [{"a": 1}, None]
    assert body["customer"]["first_name"] == "Maya"


async def test_parts_come_in_the_legacys_order(shop: Shop, read: Reader) -> None:
    body = await read.json(f"/rps/orders/{imported(shop)}")
    assert [row["code"] for row in body["tracking"]] == ["T0", "T1"]
    assert [row["amount"] for row in body["transactions"]] == [2.0, 1.0]


async def test_missing_parts_are_null_and_empty(shop: Shop, read: Reader) -> None:
    body = await read.json(f"/rps/orders/{shop.order()}")
    assert (body["billingAddress"], body["shippingAddress"], body["customer"]) == (None, None, None)
    assert (body["items"], body["transactions"], body["tracking"]) == ([], [], [])
    assert (body["order"]["billing_address_id"], body["order"]["customer_id"]) == (None, None)
    assert body["order"]["state"] == "confirmed"


async def test_an_order_that_is_absent_foreign_deleted_or_no_id_is_not_found(
    shop: Shop, readers: Readers
) -> None:
    foreign = shop.other().order()
    deleted = shop.order(deleted_at="2026-01-01")
    of_another_client = shop.order()
    bound = readers.of(shop, client=shop.client())
    for read, order in (
        (readers.of(shop), foreign),
        (readers.of(shop), deleted),
        (readers.of(shop), uuid4()),
        (readers.of(shop), "500000"),
        (readers.of(shop), "%00"),
        (bound, of_another_client),
    ):
        answer = await read(f"/rps/orders/{order}")
        assert (answer.status_code, answer.json()) == (404, {"detail": "order not found"})
