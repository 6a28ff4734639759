"""The verification's tables, in the schema ``engine``. All are keyed by organisation."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base, OrgRow

__all__ = ["VerifyNode", "VerifyRepair", "VerifyRun"]

_NAME = Text(collation="C")
_SCHEMA: dict[str, Any] = {"schema": "engine"}


class VerifyRun(OrgRow):
    """One verification of one subject (two tables, or a data set). ``plan`` is a hash of what is compared and how.

    A run that was cut short stays ``running`` and is gone on with when its plan is still the same, else it is ``left``.
    """

    __tablename__ = "verify_runs"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'same', 'different', 'not judged', 'left')", name="state"),
        Index(
            "uq_verify_runs_running",
            "org_id",
            "migration",
            "subject",
            unique=True,
            postgresql_where=text("state = 'running'"),
        ),
        Index("ix_verify_runs_subject", "org_id", "migration", "subject", "created_at"),
        _SCHEMA,
    )

    migration: Mapped[str] = mapped_column(_NAME)
    subject: Mapped[str] = mapped_column(_NAME)
    plan: Mapped[str]
    state: Mapped[str]
    finished_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any] | None]


class VerifyNode(Base):
    """A node of a run's tree: a range of keys or a bucket of ids. ``facts`` holds its bounds, sums and differences."""

    __tablename__ = "verify_nodes"
    __table_args__ = (
        CheckConstraint("verdict IN ('planned', 'same', 'different')", name="verdict"),
        _SCHEMA,
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    node: Mapped[str] = mapped_column(_NAME, primary_key=True)
    verdict: Mapped[str]
    facts: Mapped[dict[str, Any]]
    judged_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class VerifyRepair(OrgRow):
    """A repair: what was planned, who asked for it, and what became of it."""

    __tablename__ = "verify_repairs"
    __table_args__ = (_SCHEMA,)

    migration: Mapped[str] = mapped_column(_NAME)
    plan: Mapped[dict[str, Any]]
    by: Mapped[str]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[dict[str, Any] | None]
