"""The columns of an RPS order that the platform does not have (the sheet's section 4.2)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Numeric
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import MONEY
from caravan.legacy.rps.rows import SCHEMA, SideRow, beside

__all__ = ["RpsOrder"]


class RpsOrder(SideRow):
    """``shipped`` … ``representment`` are 0, 1 or a count, as RPS keeps them; ``affiliate`` is the reference as text."""

    __tablename__ = "orders"

    state: Mapped[str | None]
    type: Mapped[str | None]
    token: Mapped[str | None]
    locale_type: Mapped[str | None]
    descriptor: Mapped[str | None]
    site_theme: Mapped[str | None]
    purchase_type: Mapped[str | None]
    display_type: Mapped[str | None]
    shipment_type: Mapped[str | None]
    redemption_code: Mapped[str | None]
    risk_source: Mapped[str | None]
    fulfillment_state: Mapped[str | None]

    external_fulfillment_id: Mapped[str | None]
    external_order_number: Mapped[str | None]
    subscription_id: Mapped[str | None]
    payment_page_id: Mapped[str | None]
    conversion_tracking_id: Mapped[str | None]
    conversion_tracking: Mapped[str | None]
    affiliate_tour_id: Mapped[str | None]
    affiliate_tour: Mapped[str | None]
    affiliate: Mapped[str | None]

    base_amount: Mapped[Decimal | None] = mapped_column(MONEY)
    refund_request: Mapped[Decimal | None] = mapped_column(MONEY)
    tax_refund_amount: Mapped[Decimal | None] = mapped_column(MONEY)
    shipping_refund: Mapped[Decimal | None] = mapped_column(MONEY)
    affiliate_payout: Mapped[Decimal | None] = mapped_column(MONEY)
    quantity: Mapped[Decimal | None] = mapped_column(MONEY)
    quantity_refunded: Mapped[Decimal | None] = mapped_column(MONEY)
    weight: Mapped[Decimal | None] = mapped_column(MONEY)
    risk_score: Mapped[Decimal | None] = mapped_column(Numeric(18, 4))

    shipped: Mapped[int | None]
    returned: Mapped[int | None]
    sales_check: Mapped[int | None]
    charged_back: Mapped[int | None]
    redeemed: Mapped[int | None]
    shipping_refund_request: Mapped[int | None]
    representment: Mapped[int | None]
    split_count: Mapped[int | None]
    shipping_priority: Mapped[int | None]
    installment_payments: Mapped[int | None]
    timeout_seconds: Mapped[int | None]

    can_ship_partial: Mapped[bool | None]
    email_sent: Mapped[bool | None]
    tracking_email_sent: Mapped[bool | None]
    is_continuity: Mapped[bool | None]

    modified_at: Mapped[datetime | None]
    transaction_date: Mapped[datetime | None]
    fulfillment_date: Mapped[datetime | None]
    transit_date: Mapped[datetime | None]
    delivery_date: Mapped[datetime | None]
    rma_date: Mapped[datetime | None]
    blacklist_date: Mapped[datetime | None]
    last_refund_date: Mapped[datetime | None]
    redemption_date: Mapped[datetime | None]
    email_sent_date: Mapped[datetime | None]
    tracking_email_sent_date: Mapped[datetime | None]

    geo: Mapped[dict[str, Any] | None]
    source: Mapped[dict[str, Any] | None]
    origin: Mapped[dict[str, Any] | None]
    promotions: Mapped[list[Any] | None]
    transactions: Mapped[list[Any] | None]
    history: Mapped[list[Any] | None]
    notes: Mapped[list[Any] | None]
    extra: Mapped[dict[str, Any] | None]

    __table_args__ = (beside("orders"), {"schema": SCHEMA})
