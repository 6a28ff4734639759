"""The tables of observed use, in the schema ``engine``."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base

__all__ = ["RequestNote", "TableUse"]

_NAME = Text(collation="C")
_SCHEMA: dict[str, Any] = {"schema": "engine"}


class TableUse(Base):
    """A request of a route did this to a table; ``way`` is how that was seen. ``write`` is an insert or an update."""

    __tablename__ = "table_uses"
    __table_args__ = (
        CheckConstraint("operation IN ('read', 'insert', 'update', 'delete', 'write')", name="operation"),
        CheckConstraint("way IN ('window', 'triggers', 'dry run')", name="way"),
        _SCHEMA,
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    route: Mapped[str] = mapped_column(_NAME, primary_key=True)
    table_name: Mapped[str] = mapped_column(_NAME, primary_key=True)
    operation: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str] = mapped_column(_NAME, primary_key=True)
    way: Mapped[str]
    seen_at: Mapped[datetime]


class RequestNote(Base):
    """What a trigger of the probe notes: a request of the platform changed rows of a table. Collected into ``TableUse``."""

    __tablename__ = "request_notes"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    request: Mapped[str] = mapped_column(_NAME, primary_key=True)
    table_name: Mapped[str] = mapped_column(_NAME, primary_key=True)
    operation: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str]
    path: Mapped[str]
    noted_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
