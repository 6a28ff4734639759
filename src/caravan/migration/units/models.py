"""The engine's tables of units, in the schema ``engine``. All are keyed by organisation and migration."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, Index, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base, OrgRow

__all__ = [
    "AcceptedDifference",
    "JournalRow",
    "MigrationRow",
    "UnitDecision",
    "UnitLease",
    "UnitMeasurement",
    "UnitRow",
    "UnitStateRow",
    "UnitTransition",
]

_NAME = Text(collation="C")
_SCHEMA: dict[str, Any] = {"schema": "engine"}
_NOW = text("now()")
_NO = text("false")


class MigrationRow(Base):
    """A migration as its file said last; ``document`` has no addresses and no secrets."""

    __tablename__ = "migrations"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    file_hash: Mapped[str]
    document: Mapped[dict[str, Any]]
    read_at: Mapped[datetime]


class UnitRow(Base):
    """Where a unit is. ``stage`` counts the canary's stages from 1, 0 outside; ``share`` is that of the cohort keys."""

    __tablename__ = "units"
    __table_args__ = (
        CheckConstraint("state BETWEEN 0 AND 9", name="state"),
        CheckConstraint("share BETWEEN 0 AND 1", name="share"),
        _SCHEMA,
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    unit: Mapped[str] = mapped_column(_NAME, primary_key=True)
    state: Mapped[int] = mapped_column(SmallInteger)
    stage: Mapped[int] = mapped_column(server_default=text("0"))
    share: Mapped[float] = mapped_column(Double, server_default=text("0"))
    salt: Mapped[str] = mapped_column(server_default=text("''"))
    armed: Mapped[bool] = mapped_column(server_default=_NO)
    held: Mapped[bool] = mapped_column(server_default=_NO)
    entered_at: Mapped[datetime]


class UnitStateRow(OrgRow):
    """One stay of a unit in a state."""

    __tablename__ = "unit_states"
    __table_args__ = (Index("ix_unit_states_unit", "org_id", "migration", "unit", "entered_at"), _SCHEMA)

    migration: Mapped[str] = mapped_column(_NAME)
    unit: Mapped[str] = mapped_column(_NAME)
    state: Mapped[int] = mapped_column(SmallInteger)
    stage: Mapped[int]
    share: Mapped[float] = mapped_column(Double)
    entered_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    transition: Mapped[UUID | None]
    by: Mapped[str]


class UnitTransition(OrgRow):
    """One walk along an edge; ``inverse`` is stored before anything acts. At most one of a unit is open."""

    __tablename__ = "unit_transitions"
    __table_args__ = (
        CheckConstraint("phase IN ('acting', 'unwinding', 'done', 'undone')", name="phase"),
        Index(
            "uq_unit_transitions_open",
            "org_id",
            "migration",
            "unit",
            unique=True,
            postgresql_where=text("phase IN ('acting', 'unwinding')"),
        ),
        _SCHEMA,
    )

    migration: Mapped[str] = mapped_column(_NAME)
    unit: Mapped[str] = mapped_column(_NAME)
    edge: Mapped[str]
    phase: Mapped[str]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    steps: Mapped[list[Any]]
    inverse: Mapped[list[Any]]
    done_steps: Mapped[int] = mapped_column(server_default=text("0"))
    by: Mapped[str]
    ended_at: Mapped[datetime | None]


class UnitMeasurement(OrgRow):
    """What somebody measured of a unit: ``kind`` is the guard that reads it."""

    __tablename__ = "unit_measurements"
    __table_args__ = (
        Index("ix_unit_measurements_unit", "org_id", "migration", "unit", "kind", "measured_at"),
        _SCHEMA,
    )

    migration: Mapped[str] = mapped_column(_NAME)
    unit: Mapped[str] = mapped_column(_NAME)
    kind: Mapped[str] = mapped_column(_NAME)
    measured_at: Mapped[datetime]
    figures: Mapped[dict[str, Any]]


class UnitDecision(OrgRow):
    """A guard as it was looked at: every check with its figures."""

    __tablename__ = "unit_decisions"
    __table_args__ = (
        Index("ix_unit_decisions_unit", "org_id", "migration", "unit", "created_at"),
        _SCHEMA,
    )

    migration: Mapped[str] = mapped_column(_NAME)
    unit: Mapped[str] = mapped_column(_NAME)
    edge: Mapped[str]
    passed: Mapped[bool]
    checks: Mapped[list[Any]]
    by: Mapped[str]


class UnitLease(Base):
    """Who may change a migration now, and since when; ``fencing`` grows with every holder."""

    __tablename__ = "migration_leases"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    holder: Mapped[str]
    fencing: Mapped[int] = mapped_column(BigInteger)
    taken_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]


class JournalRow(Base):
    """One entry of the journal; ``hash`` covers its content and the hash of the entry before it."""

    __tablename__ = "migration_journal"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    unit: Mapped[str | None]
    transition: Mapped[UUID | None]
    phase: Mapped[str]
    by: Mapped[str]
    facts: Mapped[dict[str, Any]]
    previous: Mapped[str]
    hash: Mapped[str]


class AcceptedDifference(OrgRow):
    """A difference that ``owner`` answers for through ``until``; withdrawn ones are kept."""

    __tablename__ = "accepted_differences"
    __table_args__ = (
        Index(
            "uq_accepted_differences_open",
            "org_id",
            "migration",
            "route",
            "path",
            "kind",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        _SCHEMA,
    )

    migration: Mapped[str] = mapped_column(_NAME)
    route: Mapped[str]
    path: Mapped[str]
    kind: Mapped[str]
    owner: Mapped[str]
    reason: Mapped[str]
    until: Mapped[date]
    by: Mapped[str]
    withdrawn_at: Mapped[datetime | None]
