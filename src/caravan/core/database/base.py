"""What every table has: naming convention, aware times, ids made in Python, tenancy in the primary key."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, MetaData, Numeric, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from caravan.core.ids import uuid7

__all__ = ["MONEY", "Base", "OrgRow", "Row"]

MONEY = Numeric(18, 4)


class Base(DeclarativeBase):
    """All tables of the one schema. Relations are loaded explicitly; text is TEXT; times are ``timestamptz``."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        str: Text(),
        dict[str, Any]: JSONB(),
        list[str]: JSONB(),
        list[Any]: JSONB(),
    }


class Row(Base):
    """A table outside tenancy: ``id`` alone is its key."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OrgRow(Base):
    """A table of tenants: ``(org_id, id)`` is its key, and row-level security is forced on it.

    Foreign keys between such tables carry ``org_id`` too, so that no row can refer across tenants.
    """

    __abstract__ = True

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
