"""Orders, their lines and their tracking numbers."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.commerce.orders.states import OrderState
from caravan.commerce.rows import CommerceRow, client_key, org_key
from caravan.commerce.states import one_of
from caravan.core.database.base import MONEY, OrgRow

__all__ = ["Order", "OrderItem", "TrackingNumber"]


class Order(CommerceRow):
    """``total_amount`` = subtotal + tax + shipping - discount; ``refunded_amount`` is what went back, as a positive number.

    An amount is NULL where an import did not bring it. ``number`` is for people and need not be unique.
    """

    __tablename__ = "orders"

    customer_id: Mapped[UUID | None]
    affiliate_id: Mapped[UUID | None]
    number: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=text("'draft'"))
    currency: Mapped[str]
    email: Mapped[str | None]
    discount_code: Mapped[str | None]
    subtotal_amount: Mapped[Decimal | None] = mapped_column(MONEY)
    tax_amount: Mapped[Decimal | None] = mapped_column(MONEY)
    shipping_amount: Mapped[Decimal | None] = mapped_column(MONEY)
    discount_amount: Mapped[Decimal | None] = mapped_column(MONEY)
    total_amount: Mapped[Decimal | None] = mapped_column(MONEY)
    refunded_amount: Mapped[Decimal | None] = mapped_column(MONEY)
    placed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        org_key(),
        client_key(),
        ForeignKeyConstraint(
            ["org_id", "customer_id"],
            ["customers.org_id", "customers.id"],
            ondelete="SET NULL (customer_id)",
        ),
        ForeignKeyConstraint(
            ["org_id", "affiliate_id"],
            ["affiliates.org_id", "affiliates.id"],
            ondelete="SET NULL (affiliate_id)",
        ),
        one_of("state", OrderState),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        Index("ix_orders_org_id_placed_at", "org_id", "placed_at", "id"),
        Index("ix_orders_org_id_created_at", "org_id", "created_at", "id"),
        Index("ix_orders_org_id_number", "org_id", "number"),
        Index("ix_orders_org_id_customer_id", "org_id", "customer_id"),
        Index("ix_orders_org_id_affiliate_id", "org_id", "affiliate_id"),
    )


class OrderItem(OrgRow):
    """A line. Quantities have four places, for goods sold by weight. ``product_id`` is NULL when the product is gone.

    ``external_id`` is the line's key in the system it came from or is shared with.
    """

    __tablename__ = "order_items"

    order_id: Mapped[UUID]
    position: Mapped[int]
    external_id: Mapped[str | None]
    product_id: Mapped[UUID | None]
    sku: Mapped[str | None]
    name: Mapped[str | None]
    description: Mapped[str | None]
    quantity: Mapped[Decimal] = mapped_column(MONEY)
    quantity_refunded: Mapped[Decimal] = mapped_column(MONEY, server_default=text("0"))
    quantity_pending_refund: Mapped[Decimal] = mapped_column(MONEY, server_default=text("0"))
    unit_price: Mapped[Decimal | None] = mapped_column(MONEY)
    amount: Mapped[Decimal | None] = mapped_column(MONEY)
    refunded_amount: Mapped[Decimal | None] = mapped_column(MONEY)
    weight: Mapped[Decimal | None] = mapped_column(MONEY)
    extra: Mapped[dict[str, Any] | None]

    __table_args__ = (
        ForeignKeyConstraint(["org_id", "order_id"], ["orders.org_id", "orders.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["org_id", "product_id"], ["products.org_id", "products.id"], ondelete="SET NULL (product_id)"
        ),
        Index("ix_order_items_org_id_order_id", "org_id", "order_id", "position"),
        Index("ix_order_items_org_id_product_id", "org_id", "product_id"),
    )


class TrackingNumber(OrgRow):
    """``carrier`` as the shop names it (``dhl``, ``ups`` …)."""

    __tablename__ = "tracking_numbers"

    order_id: Mapped[UUID]
    position: Mapped[int]
    carrier: Mapped[str | None]
    code: Mapped[str]
    extra: Mapped[dict[str, Any] | None]

    __table_args__ = (
        ForeignKeyConstraint(["org_id", "order_id"], ["orders.org_id", "orders.id"], ondelete="CASCADE"),
        Index("ix_tracking_numbers_org_id_order_id", "org_id", "order_id", "position"),
        Index("ix_tracking_numbers_org_id_code", "org_id", "code"),
    )
