"""The shape of a side table."""

from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base

__all__ = ["SCHEMA", "SideRow", "beside"]

SCHEMA: Final = "legacy_rps"


class SideRow(Base):
    """A row beside one of the platform's: the same key, gone with it."""

    __abstract__ = True

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)


def beside(table: str) -> ForeignKeyConstraint:
    """Return the key to the row this one stands beside."""
    return ForeignKeyConstraint(["org_id", "id"], [f"{table}.org_id", f"{table}.id"], ondelete="CASCADE")
