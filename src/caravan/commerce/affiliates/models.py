"""Affiliates: who brings customers."""

from enum import StrEnum

from sqlalchemy import UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.commerce.rows import CommerceRow, client_key, org_key
from caravan.commerce.states import one_of

__all__ = ["Affiliate", "AffiliateState"]


class AffiliateState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Affiliate(CommerceRow):
    """``code`` is what stands in links; unique within the organisation."""

    __tablename__ = "affiliates"

    code: Mapped[str | None]
    name: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=text("'pending'"))

    __table_args__ = (
        org_key(),
        client_key(),
        one_of("state", AffiliateState),
        UniqueConstraint("org_id", "code", name="uq_affiliates_org_id_code"),
    )
