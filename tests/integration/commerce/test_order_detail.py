"""An order with everything around it."""

from uuid import UUID

import pytest

from caravan.commerce.orders.schemas import OrderDetail
from caravan.core.http import Envelope
from tests.fixtures.shop import Reader, Readers, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")


def full_order(shop: Shop, **values: object) -> UUID:
    customer = shop.customer(first_name="Maya", created_at="2025-12-31T23:59:59.5Z")
    product = shop.row("products", sku="S")
    order = shop.order(
        customer_id=customer,
        total_amount="166.944",
        placed_at="2026-01-01T10:00:00+03:00",
        created_at="2026-01-01T07:00:00.000001Z",
        **values,
    )
    for position in (1, 0):
        shop.row(
            "order_items",
            order_id=order,
            position=position,
            product_id=product,
            quantity="2",
            unit_price="0.0001",
            name=f"line {position}",
        )
        shop.row("tracking_numbers", order_id=order, position=position, code=f"T{position}", carrier="dhl")
    for kind in ("shipping", "billing"):
        shop.row("addresses", order_id=order, kind=kind, city=f"{kind} city")
    for day in (1, 2):
        shop.transaction(order_id=order, amount=day, created_at=f"2026-01-0{day}")
    return order


async def test_it_comes_with_lines_addresses_transactions_tracking_and_customer(
    shop: Shop, read: Reader
) -> None:
    order = full_order(shop)
    answer = await read(f"/api/v1/orders/{order}")
    Envelope[OrderDetail].model_validate_json(answer.content)
    data = answer.json()["data"]
    assert [line["name"] for line in data["items"]] == ["line 0", "line 1"]
    assert [(line["quantity"], line["unit_price"]) for line in data["items"]] == [("2.0000", "0.0001")] * 2
    assert [number["code"] for number in data["tracking_numbers"]] == ["T0", "T1"]
    assert [payment["amount"] for payment in data["transactions"]] == ["2.0000", "1.0000"]
    assert data["billing_address"]["city"] == "billing city"
    assert data["shipping_address"]["city"] == "shipping city"
    assert data["customer"]["first_name"] == "Maya"


async def test_money_is_exact_text_and_times_are_utc_with_microseconds(shop: Shop, read: Reader) -> None:
    data = await read.data(f"/api/v1/orders/{full_order(shop)}")
    assert data["total_amount"] == "166.9440"
    assert data["tax_amount"] is None
    assert data["placed_at"] == "2026-01-01T07:00:00.000000Z"
    assert data["created_at"] == "2026-01-01T07:00:00.000001Z"
    assert data["customer"]["created_at"] == "2025-12-31T23:59:59.500000Z"


async def test_a_bare_order_has_empty_lists_and_nulls(shop: Shop, read: Reader) -> None:
    data = await read.data(f"/api/v1/orders/{shop.order()}")
    assert (data["items"], data["transactions"], data["tracking_numbers"]) == ([], [], [])
    assert (data["customer"], data["billing_address"], data["shipping_address"]) == (None, None, None)


async def test_deleted_parts_do_not_show(shop: Shop, read: Reader) -> None:
    order = full_order(shop)
    for table in ("customers", "transactions"):
        shop.execute(f"UPDATE {table} SET deleted_at = now() WHERE org_id = %s", shop.org)  # noqa: S608 - names of ours
    data = await read.data(f"/api/v1/orders/{order}")
    assert (data["customer"], data["transactions"]) == (None, [])


async def test_a_caller_bound_to_a_client_sees_no_parts_of_others(shop: Shop, readers: Readers) -> None:
    client = shop.client()
    order = full_order(shop, client_id=client)
    data = await readers.of(shop, client=client).data(f"/api/v1/orders/{order}")
    assert (data["customer"], data["transactions"]) == (None, [])
    assert len(data["items"]) == 2


async def test_the_tag_changes_with_anything_that_is_shown(shop: Shop, read: Reader) -> None:
    order = full_order(shop)
    first = await read(f"/api/v1/orders/{order}")
    shop.execute("UPDATE transactions SET state = 'voided' WHERE org_id = %s", shop.org)
    second = await read(f"/api/v1/orders/{order}", headers={"If-None-Match": first.headers["etag"]})
    assert second.status_code == 200
    assert second.headers["etag"] != first.headers["etag"]


async def test_a_customer_comes_with_addresses(shop: Shop, read: Reader) -> None:
    customer = shop.customer(email="a@example.com")
    shop.row("addresses", customer_id=customer, kind="billing", city="Wahat")
    data = await read.data(f"/api/v1/customers/{customer}")
    assert [(address["kind"], address["city"]) for address in data["addresses"]] == [("billing", "Wahat")]


async def test_one_read_is_one_round_trip(shop: Shop, read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    order = full_order(shop)
    asked: list[str] = []
    database = read.service.state.database
    original = database.fetch_value

    async def counted(statement: str, *arguments: object) -> object:
        asked.append(statement)
        return await original(statement, *arguments)

    monkeypatch.setattr(database, "fetch_value", counted)
    await read(f"/api/v1/orders/{order}")
    await read("/api/v1/orders", limit=20)
    await read("/rps/orders")
    await read(f"/rps/orders/{order}")
    assert len(asked) == 4
