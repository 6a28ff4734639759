"""The legacy's answers, as OpenAPI shows them and the contract tests check them."""

from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = ["CustomersAnswer", "OrderAnswer", "OrdersAnswer", "TransactionsAnswer"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OrderItem(_Shape):
    id: str
    order_number: str | None
    state: str
    total_amount: float | None  # house: allow(H004) because the legacy's JSON had numbers
    currency: str
    email: str | None
    customer_id: str | None
    created_at: str


class CustomerItem(_Shape):
    id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    created_at: str


class TransactionItem(_Shape):
    id: str
    order_id: str | None
    state: str
    amount: float | None  # house: allow(H004) because the legacy's JSON had numbers
    currency: str
    processor: str | None
    response_code: str | None
    created_at: str


class OrdersAnswer(_Shape):
    rows: list[OrderItem]
    limit: int
    offset: int
    q: str
    state: str
    total: int
    sort: str
    dir: str


class CustomersAnswer(_Shape):
    rows: list[CustomerItem]
    limit: int
    offset: int
    q: str
    total: int
    sort: str
    dir: str


class TransactionsAnswer(_Shape):
    rows: list[TransactionItem]
    limit: int
    offset: int
    q: str
    processor: str
    total: int
    sort: str
    dir: str


class OrderAnswer(_Shape):
    """``order`` has every column of the legacy table; parts that are missing are null."""

    order: dict[str, Any]
    items: list[dict[str, Any]]
    transactions: list[dict[str, Any]]
    tracking: list[dict[str, Any]]
    billingAddress: dict[str, Any] | None  # noqa: N815 - the legacy's key
    shippingAddress: dict[str, Any] | None  # noqa: N815 - the legacy's key
    customer: CustomerItem | None
