"""Customers, and the addresses of customers and orders."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from caravan.commerce.rows import CommerceRow, client_key, org_key
from caravan.commerce.states import one_of
from caravan.core.database.base import OrgRow

__all__ = ["Address", "AddressKind", "Customer"]


class Customer(CommerceRow):
    """``email_folded`` is what look-ups compare.

    Row-level security keeps the planner from an index on ``lower(email)``, because ``lower`` is not leakproof;
    a comparison with a stored column may use its index.
    """

    __tablename__ = "customers"

    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    email: Mapped[str | None]
    email_folded: Mapped[str | None] = mapped_column(Computed("lower(email)", persisted=True))
    phone: Mapped[str | None]
    locale: Mapped[str | None]

    __table_args__ = (
        org_key(),
        client_key(),
        Index("ix_customers_org_id_email_folded", "org_id", "email_folded"),
        Index("ix_customers_org_id_created_at", "org_id", "created_at", "id"),
    )


class AddressKind(StrEnum):
    BILLING = "billing"
    SHIPPING = "shipping"


class Address(OrgRow):
    """Of a customer, who edits it, or of an order, which keeps what was true when it was placed."""

    __tablename__ = "addresses"

    customer_id: Mapped[UUID | None]
    order_id: Mapped[UUID | None]
    kind: Mapped[str]
    name: Mapped[str | None]
    company: Mapped[str | None]
    line1: Mapped[str | None]
    line2: Mapped[str | None]
    city: Mapped[str | None]
    region: Mapped[str | None]
    postal_code: Mapped[str | None]
    country: Mapped[str | None]
    phone: Mapped[str | None]
    extra: Mapped[dict[str, Any] | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "customer_id"], ["customers.org_id", "customers.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["org_id", "order_id"], ["orders.org_id", "orders.id"], ondelete="CASCADE"),
        one_of("kind", AddressKind),
        CheckConstraint("num_nonnulls(customer_id, order_id) = 1", name="one_owner"),
        Index("ix_addresses_org_id_customer_id", "org_id", "customer_id"),
        Index("ix_addresses_org_id_order_id", "org_id", "order_id", "kind"),
    )
