"""The old shop's tables on the new shop's: what a load, a flow of changes in either direction and a verification read.

An order's number is the old key, and a line's key is its order and position: rows that are born on the new side bring their own.
Products and payments have a key that the old store gives when they are written back.
"""

from caravan.migration.mapping.codecs import (
    BigInteger,
    Enumeration,
    Exact,
    Flag,
    ForeignKey,
    Integer,
    LocalDate,
    Text,
)
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Field, Main

__all__ = ["order_lines", "orders", "payments", "products"]

products = Entity(
    "product",
    Main(
        "market.products",
        (
            Field("sku", "sku", Text(), required=True),
            Field("title", "title", Text(), required=True),
            Field("price", "price", Exact(4), required=True),
            Field("stock", "stock", Integer(), required=True),
            Field("listed", "listed", Flag(), required=True),
        ),
        client=False,
        key=("id",),
        extra=False,
    ),
    sums=(("market.products", "stock"),),
)

orders = Entity(
    "order",
    Main(
        "market.orders",
        (
            Field("id", "number", BigInteger(), required=True),
            Field("reference", "reference", Text(), required=True),
            Field("customer", "customer", Text(), required=True),
            Field("state", "state", Enumeration(("open", "paid")), required=True),
            Field("total", "total", Exact(4), required=True),
            Field("created_at", "created_at", LocalDate(), required=True),
        ),
        client=False,
        key=("id",),
        extra=False,
    ),
    sums=(("market.orders", "total"),),
)

order_lines = Entity(
    "order line",
    Main(
        "market.order_lines",
        (
            Field("order_id", "order_id", ForeignKey("order", "market.orders"), required=True),
            Field("position", "position", Integer(), required=True),
            Field("product_id", "product_id", ForeignKey("product", "market.products"), required=True),
            Field("quantity", "quantity", Integer(), required=True),
            Field("price", "price", Exact(4), required=True),
        ),
        client=False,
        key=("order_id", "position"),
        extra=False,
    ),
)

payments = Entity(
    "payment",
    Main(
        "market.payments",
        (
            Field("order_id", "order_id", ForeignKey("order", "market.orders"), required=True),
            Field("reference", "reference", Text(), required=True),
            Field("amount", "amount", Exact(4), required=True),
            Field("paid_at", "paid_at", LocalDate(), required=True),
        ),
        client=False,
        key=("id",),
        extra=False,
    ),
    sums=(("market.payments", "amount"),),
)
