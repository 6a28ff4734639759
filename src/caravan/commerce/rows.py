"""What the tables of commerce share: the client they belong to, a version for ETags, soft deletion, fields kept as they came."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import OrgRow

__all__ = ["CommerceRow", "client_key", "org_key"]


class CommerceRow(OrgRow):
    """A resource of its own, with an ETag; ``extra`` holds what an import brought and no column takes, NULL when nothing."""

    __abstract__ = True

    client_id: Mapped[UUID | None]
    extra: Mapped[dict[str, Any] | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]


def org_key() -> ForeignKeyConstraint:
    """Return the key to the organisation. Children with a parent that has it go without: each key costs a bulk load."""
    return ForeignKeyConstraint(["org_id"], ["organisations.id"])


def client_key() -> ForeignKeyConstraint:
    """Return the key to the client of the same organisation; rows outlive their client."""
    return ForeignKeyConstraint(
        ["org_id", "client_id"], ["clients.org_id", "clients.id"], ondelete="SET NULL (client_id)"
    )
