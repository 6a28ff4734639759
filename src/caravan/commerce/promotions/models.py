"""Promotions: codes that change what is paid."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.commerce.rows import CommerceRow, client_key, org_key

__all__ = ["Promotion"]


class Promotion(CommerceRow):
    """``rules`` says what it does (``{"percent": 10, "stackable": false}``); the code is unique within the organisation."""

    __tablename__ = "promotions"

    code: Mapped[str]
    name: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    rules: Mapped[dict[str, Any] | None]

    __table_args__ = (
        org_key(),
        client_key(),
        UniqueConstraint("org_id", "code", name="uq_promotions_org_id_code"),
    )
