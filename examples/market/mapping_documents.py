"""The old shop's documents on the new shop's tables: as ``mapping``, for a shop that keeps its orders with their lines in MongoDB.

An order's number is a field of its own, beside the ``_id`` that a store gives; a line knows its place in the order.
"""

from caravan.migration.mapping.codecs import (
    BigInteger,
    Date,
    Enumeration,
    Exact,
    Flag,
    ForeignKey,
    Integer,
    Text,
)
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Child, Field, Main

__all__ = ["orders", "payments", "products"]

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
        extra=False,
    ),
    sums=(("market.products", "stock"),),
)

orders = Entity(
    "order",
    Main(
        "market.orders",
        (
            Field("number", "number", BigInteger(), required=True),
            Field("reference", "reference", Text(), required=True),
            Field("customer", "customer", Text(), required=True),
            Field("state", "state", Enumeration(("open", "paid")), required=True),
            Field("total", "total", Exact(4), required=True),
            Field("created_at", "created_at", Date(), required=True),
        ),
        client=False,
        extra=False,
    ),
    children=(
        Child(
            "market.order_lines",
            "order line",
            "lines",
            "order_id",
            (
                Field("position", "position", Integer(), required=True),
                Field("product_id", "product_id", ForeignKey("product", "market.products"), required=True),
                Field("quantity", "quantity", Integer(), required=True),
                Field("price", "price", Exact(4), required=True),
            ),
        ),
    ),
    sums=(("market.orders", "total"),),
)

payments = Entity(
    "payment",
    Main(
        "market.payments",
        (
            Field("order_id", "order_id", ForeignKey("order", "market.orders"), required=True),
            Field("reference", "reference", Text(), required=True),
            Field("amount", "amount", Exact(4), required=True),
            Field("paid_at", "paid_at", Date(), required=True),
        ),
        client=False,
        extra=False,
    ),
    sums=(("market.payments", "amount"),),
)
