"""The conductor's tables, in the schema ``engine``. All are keyed by organisation and migration."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base, OrgRow

__all__ = [
    "AlertRow",
    "ConductorRow",
    "ConductorState",
    "ConsoleReader",
    "DifferenceGroup",
    "OperatorRequest",
    "OperatorSession",
    "RouteTraffic",
    "UnitHold",
]

_NAME = Text(collation="C")
_SCHEMA: dict[str, Any] = {"schema": "engine"}
_NOW = text("now()")
_ZERO = text("0")


class ConductorRow(Base):
    """Who conducts. ``version`` counts saves: a save that does not follow the last one is of somebody who was replaced.

    ``taken`` is the number of the tap's last exchange that the saved state covers; ``figures`` are counts and the budget.
    """

    __tablename__ = "conductors"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    name: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger)
    taken: Mapped[int] = mapped_column(BigInteger)
    figures: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class ConductorState(Base):
    """What the conductor goes on with after a restart: ``part`` is ``judge UNIT``, ``stage UNIT`` or ``budget``."""

    __tablename__ = "conductor_state"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    part: Mapped[str] = mapped_column(_NAME, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[dict[str, Any]]
    written_at: Mapped[datetime]


class RouteTraffic(Base):
    """Ten seconds of one route on one side, as the tap showed it; a ring of about an hour.

    ``arm`` is ``member`` or ``other`` in a canary, ``asked`` for what the conductor asked itself, empty else. ``latencies`` is a
    latency sketch.
    """

    __tablename__ = "route_traffic"
    __table_args__ = (
        CheckConstraint("side IN ('old', 'new')", name="side"),
        _SCHEMA,
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(_NAME, primary_key=True)
    side: Mapped[str] = mapped_column(_NAME, primary_key=True)
    arm: Mapped[str] = mapped_column(_NAME, primary_key=True)
    requests: Mapped[int]
    errors: Mapped[int]
    judged: Mapped[int] = mapped_column(server_default=_ZERO)
    differing: Mapped[int] = mapped_column(server_default=_ZERO)
    seconds: Mapped[float] = mapped_column(Double)
    latencies: Mapped[dict[str, Any]]


class DifferenceGroup(Base):
    """Differences of one cause. ``id`` is a hash of unit, kind and cause; ``members`` are [route, path, a, b, reported]."""

    __tablename__ = "difference_groups"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    id: Mapped[str] = mapped_column(_NAME, primary_key=True)
    unit: Mapped[str] = mapped_column(_NAME)
    cause: Mapped[str]
    kind: Mapped[str]
    reported: Mapped[bool]
    members: Mapped[list[Any]]
    example: Mapped[dict[str, Any]]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class AlertRow(OrgRow):
    """One alarm per cause for as long as the cause lasts."""

    __tablename__ = "migration_alerts"
    __table_args__ = (
        Index(
            "uq_migration_alerts_open",
            "org_id",
            "migration",
            "cause",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        _SCHEMA,
    )

    migration: Mapped[str] = mapped_column(_NAME)
    cause: Mapped[str] = mapped_column(_NAME)
    unit: Mapped[str | None] = mapped_column(_NAME)
    severity: Mapped[str]
    said: Mapped[str]
    facts: Mapped[dict[str, Any]]
    began_at: Mapped[datetime]
    told: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    ended_at: Mapped[datetime | None]


class UnitHold(Base):
    """A person holds a unit where it is: the conductor does not promote it. A rollback it still does."""

    __tablename__ = "unit_holds"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    unit: Mapped[str] = mapped_column(_NAME, primary_key=True)
    by: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]


class OperatorRequest(OrgRow):
    """What one person asks for and a second one has to agree to; ``wish`` holds the arguments."""

    __tablename__ = "operator_requests"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'done', 'refused')", name="state"),
        Index("ix_operator_requests_open", "org_id", "migration", "state"),
        _SCHEMA,
    )

    migration: Mapped[str] = mapped_column(_NAME)
    unit: Mapped[str | None] = mapped_column(_NAME)
    action: Mapped[str]
    wish: Mapped[dict[str, Any]]
    state: Mapped[str]
    by: Mapped[str]
    asked_at: Mapped[datetime]
    settled_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]


class OperatorSession(Base):
    """A log-in of an operator of the migration file. ``digest`` is SHA-256 of the cookie's value, ``token`` the digest in the file.

    When the file has another digest, or none, of this operator the session is over.
    """

    __tablename__ = "operator_sessions"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    digest: Mapped[str] = mapped_column(_NAME, primary_key=True)
    id: Mapped[UUID]
    operator: Mapped[str] = mapped_column(_NAME)
    token: Mapped[str] = mapped_column(_NAME)
    began_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ConsoleReader(Base):
    """Who has a page of a migration open, and which; a row that is not seen again for half a minute is of the past."""

    __tablename__ = "console_readers"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    who: Mapped[str] = mapped_column(_NAME, primary_key=True)
    name: Mapped[str]
    place: Mapped[str]
    seen_at: Mapped[datetime]
