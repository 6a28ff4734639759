"""What only RPS has: one row beside the platform's, with its id. The legacy state stays here word for word."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from caravan.legacy.rps.order_model import RpsOrder
from caravan.legacy.rps.rows import SCHEMA, SideRow, beside

__all__ = ["RpsAffiliate", "RpsCustomer", "RpsOrder", "RpsOrderItem", "RpsProduct", "RpsTransaction"]


class RpsOrderItem(SideRow):
    """Only beside lines that have any of these; ``order_id`` is the line's."""

    __tablename__ = "order_items"

    order_id: Mapped[UUID]
    warehouse_id: Mapped[str | None]
    do_not_ship: Mapped[bool | None]
    meta: Mapped[dict[str, Any] | None]

    __table_args__ = (
        beside("order_items"),
        Index("ix_order_items_org_id_order_id", "org_id", "order_id"),
        {"schema": SCHEMA},
    )


class RpsCustomer(SideRow):
    """``doctrine_class`` is the PHP class of the document, where it was a subclass."""

    __tablename__ = "customers"

    doctrine_class: Mapped[str | None]
    modified_at: Mapped[datetime | None]

    __table_args__ = (beside("customers"), {"schema": SCHEMA})


class RpsProduct(SideRow):
    """``code`` is the product's UUID as RPS wrote it, ``cross_product`` the legacy key of the product offered with it."""

    __tablename__ = "products"

    state: Mapped[str | None]
    code: Mapped[str | None]
    descriptor: Mapped[str | None]
    is_discount: Mapped[bool | None]
    is_redeemable: Mapped[bool | None]
    cms: Mapped[list[Any] | None]
    cross_product: Mapped[str | None]
    cross_banner: Mapped[str | None]
    modified_at: Mapped[datetime | None]

    __table_args__ = (beside("products"), {"schema": SCHEMA})


class RpsTransaction(SideRow):
    __tablename__ = "transactions"

    state: Mapped[str | None]
    modified_at: Mapped[datetime | None]

    __table_args__ = (beside("transactions"), {"schema": SCHEMA})


class RpsAffiliate(SideRow):
    __tablename__ = "affiliates"

    state: Mapped[str | None]

    __table_args__ = (beside("affiliates"), {"schema": SCHEMA})
