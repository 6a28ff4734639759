"""Transactions with payment processors."""

from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.commerce.rows import CommerceRow, client_key, org_key
from caravan.commerce.states import one_of
from caravan.core.database.base import MONEY

__all__ = ["Transaction", "TransactionState"]


class TransactionState(StrEnum):
    PENDING = "pending"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    DECLINED = "declined"
    FAILED = "failed"
    VOIDED = "voided"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    UNKNOWN = "unknown"


class Transaction(CommerceRow):
    """``details`` is what the processor said, without card numbers. It outlives its order."""

    __tablename__ = "transactions"

    order_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(server_default=text("'pending'"))
    amount: Mapped[Decimal | None] = mapped_column(MONEY)
    currency: Mapped[str]
    processor: Mapped[str | None]
    response_code: Mapped[str | None]
    details: Mapped[dict[str, Any] | None]

    __table_args__ = (
        org_key(),
        client_key(),
        ForeignKeyConstraint(
            ["org_id", "order_id"], ["orders.org_id", "orders.id"], ondelete="SET NULL (order_id)"
        ),
        one_of("state", TransactionState),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        Index("ix_transactions_org_id_order_id", "org_id", "order_id"),
        Index("ix_transactions_org_id_created_at", "org_id", "created_at", "id"),
    )
