"""The catalogue."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.commerce.rows import CommerceRow, client_key, org_key
from caravan.commerce.states import one_of
from caravan.core.database.base import MONEY

__all__ = ["Product", "ProductState"]


class ProductState(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    INACTIVE = "inactive"
    OUT_OF_STOCK = "out_of_stock"
    ARCHIVED = "archived"
    UNKNOWN = "unknown"


class Product(CommerceRow):
    """``attributes`` is a list of ``{"name", "value"}``, ``media`` a list of pictures in order. Weight has no unit yet."""

    __tablename__ = "products"

    sku: Mapped[str | None]
    name: Mapped[str | None]
    slug: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=text("'draft'"))
    description: Mapped[str | None]
    currency: Mapped[str | None]
    price: Mapped[Decimal | None] = mapped_column(MONEY)
    cost: Mapped[Decimal | None] = mapped_column(MONEY)
    weight: Mapped[Decimal | None] = mapped_column(MONEY)
    is_taxable: Mapped[bool | None]
    attributes: Mapped[list[Any] | None]
    media: Mapped[list[Any] | None]

    __table_args__ = (
        org_key(),
        client_key(),
        one_of("state", ProductState),
        Index("ix_products_org_id_sku", "org_id", "sku"),
    )
