"""The gateway's tables in the schema ``engine``, keyed by organisation and migration."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base

__all__ = ["GatewayProcess", "RoutePointer", "RouteTableRow"]

_NAME = Text(collation="C")
_SCHEMA: dict[str, Any] = {"schema": "engine"}


class RouteTableRow(Base):
    """A route table as it was published; never changed, so that it can be told later who routed what where."""

    __tablename__ = "route_tables"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str]
    document: Mapped[dict[str, Any]]
    created_by: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class RoutePointer(Base):
    """The current table. ``version`` counts publications, ``epoch`` changes of write authority: a fencing number."""

    __tablename__ = "route_pointers"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class GatewayProcess(Base):
    """One process and what it confirms: the version it routes by, the units it has armed and holds.

    ``in_flight`` counts writes per unit that were sent and not answered. Its lease ends ``lease_seconds`` after
    ``seen_at`` (the database's clock); then it refuses writes of units it has armed by itself.
    """

    __tablename__ = "gateway_processes"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    name: Mapped[str] = mapped_column(_NAME, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int] = mapped_column(BigInteger)
    armed: Mapped[list[str]]
    held: Mapped[list[str]]
    in_flight: Mapped[dict[str, Any]]
    lease_seconds: Mapped[float]
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    seen_at: Mapped[datetime]
