"""Orders over the wire."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from caravan.commerce.orders.states import OrderState
from caravan.commerce.reading import Extra, PeriodQuery, ResourceRow
from caravan.core.http import Answer
from caravan.core.http.read_models import Money, Word

__all__ = ["OrderDetail", "OrderQuery", "OrderRow"]

Sort = Literal[
    "-created_at",
    "created_at",
    "-placed_at",
    "placed_at",
    "-number",
    "number",
    "-state",
    "state",
    "-email",
    "email",
    "-total_amount",
    "total_amount",
]


class OrderQuery(PeriodQuery):
    """``q`` looks into number and e-mail address."""

    sort: Sort = "-created_at"
    state: OrderState | None = None
    number: Word | None = Field(None, description="Exactly this number.")
    customer_id: UUID | None = None
    affiliate_id: UUID | None = None


_ROW: Final[dict[str, Any]] = {
    "id": "01920000-0000-7000-8000-000000000001",
    "number": "536365",
    "state": "completed",
    "currency": "GBP",
    "email": "maya@example.com",
    "customer_id": "01920000-0000-7000-8000-000000000002",
    "affiliate_id": None,
    "client_id": None,
    "discount_code": None,
    "subtotal_amount": "139.1200",
    "tax_amount": "27.8240",
    "shipping_amount": "0.0000",
    "discount_amount": "0.0000",
    "total_amount": "166.9440",
    "refunded_amount": None,
    "placed_at": "2026-03-01T08:26:00.000000Z",
    "created_at": "2026-03-01T08:26:00.000000Z",
    "updated_at": "2026-03-02T10:00:00.125000Z",
    "version": 1,
}


class OrderRow(ResourceRow):
    """An order in a list. An amount is null where an import did not bring it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ROW]})

    number: str | None
    state: OrderState
    currency: str
    email: str | None
    customer_id: UUID | None
    affiliate_id: UUID | None
    discount_code: str | None
    subtotal_amount: Money | None
    tax_amount: Money | None
    shipping_amount: Money | None
    discount_amount: Money | None
    total_amount: Money | None
    refunded_amount: Money | None
    placed_at: datetime


class OrderCustomer(Answer):
    id: UUID
    first_name: str | None
    last_name: str | None
    email: str | None
    created_at: datetime


class OrderLine(Answer):
    id: UUID
    position: int
    product_id: UUID | None
    sku: str | None
    name: str | None
    description: str | None
    quantity: Money
    quantity_refunded: Money
    quantity_pending_refund: Money
    unit_price: Money | None
    amount: Money | None
    refunded_amount: Money | None
    weight: Money | None
    extra: Extra


class OrderAddress(Answer):
    id: UUID
    kind: Literal["billing", "shipping"]
    name: str | None
    company: str | None
    line1: str | None
    line2: str | None
    city: str | None
    region: str | None
    postal_code: str | None
    country: str | None
    phone: str | None


class OrderTransaction(Answer):
    id: UUID
    state: str
    amount: Money | None
    currency: str
    processor: str | None
    response_code: str | None
    created_at: datetime


class OrderTracking(Answer):
    id: UUID
    position: int
    carrier: str | None
    code: str
    created_at: datetime


class OrderDetail(OrderRow):
    """An order with its lines in order, its addresses, its transactions (newest first) and tracking numbers."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _ROW
                | {
                    "extra": None,
                    "customer": {
                        "id": "01920000-0000-7000-8000-000000000002",
                        "first_name": "Maya",
                        "last_name": "Haddad",
                        "email": "maya@example.com",
                        "created_at": "2026-01-01T00:00:00.000000Z",
                    },
                    "items": [],
                    "billing_address": None,
                    "shipping_address": None,
                    "transactions": [],
                    "tracking_numbers": [],
                }
            ]
        }
    )

    extra: Extra
    customer: OrderCustomer | None
    items: list[OrderLine]
    billing_address: OrderAddress | None
    shipping_address: OrderAddress | None
    transactions: list[OrderTransaction]
    tracking_numbers: list[OrderTracking]
