"""The table of finished requests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base

__all__ = ["IdempotencyKey"]


class IdempotencyKey(Base):
    """One finished request: what it was (``fingerprint``) and what it answered."""

    __tablename__ = "idempotency_keys"

    principal: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    org_id: Mapped[UUID | None]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    secret: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
