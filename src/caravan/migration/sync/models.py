"""The tables of flows, in the schema ``engine``. All are keyed by organisation and migration."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base, OrgRow

__all__ = ["AppliedRow", "FlowRow", "ForeignWrite", "RowAlias"]

_NAME = Text(collation="C")
_SCHEMA: dict[str, Any] = {"schema": "engine"}
_ZERO = text("0")
_NOW = text("now()")
_EMPTY = text("''")


class FlowRow(Base):
    """One flow: how far it is, who holds it, what is wanted of it.

    Each holder has a higher ``epoch``; nobody commits with an older one. A flow in mode ``watch`` applies nothing: what it sees
    and nobody of ours wrote is a foreign write. ``start_number`` is where capture began: a snapshot from before it misses
    changes. ``stop_number`` is the position to apply up to and hold at; ``wish`` asks the process to end. ``rows_passed`` counts
    changes that something newer had overtaken, ``pending`` transactions that are read and not applied.
    ``retained_bytes`` is how much of its log the source keeps for this flow alone, NULL where it keeps none for us.
    """

    __tablename__ = "flows"
    __table_args__ = (
        CheckConstraint("direction IN ('forward', 'reverse')", name="direction"),
        CheckConstraint("mode IN ('apply', 'watch')", name="mode"),
        CheckConstraint("wish IN ('run', 'stop')", name="wish"),
        CheckConstraint("state IN ('running', 'stopped', 'failed')", name="state"),
        _SCHEMA,
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    source: Mapped[str] = mapped_column(_NAME, primary_key=True)
    direction: Mapped[str] = mapped_column(_NAME, primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger, server_default=_ZERO)
    holder: Mapped[str] = mapped_column(server_default=_EMPTY)
    mode: Mapped[str] = mapped_column(server_default=text("'apply'"))
    wish: Mapped[str] = mapped_column(server_default=text("'run'"))
    state: Mapped[str] = mapped_column(server_default=text("'stopped'"))
    start_number: Mapped[int] = mapped_column(BigInteger)
    applied_number: Mapped[int] = mapped_column(BigInteger)
    applied_resume: Mapped[str] = mapped_column(server_default=_EMPTY)
    applied_at: Mapped[datetime | None]
    head_number: Mapped[int] = mapped_column(BigInteger)
    head_at: Mapped[datetime | None]
    stop_number: Mapped[int | None] = mapped_column(BigInteger)
    pending: Mapped[int] = mapped_column(BigInteger, server_default=_ZERO)
    lag_seconds: Mapped[float] = mapped_column(Double, server_default=_ZERO)
    transactions: Mapped[int] = mapped_column(BigInteger, server_default=_ZERO)
    rows_applied: Mapped[int] = mapped_column(BigInteger, server_default=_ZERO)
    rows_passed: Mapped[int] = mapped_column(BigInteger, server_default=_ZERO)
    rows_refused: Mapped[int] = mapped_column(BigInteger, server_default=_ZERO)
    foreign_writes: Mapped[int] = mapped_column(BigInteger, server_default=_ZERO)
    retained_bytes: Mapped[int | None] = mapped_column(BigInteger)
    heartbeat_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    started_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    error_code: Mapped[str | None]
    error: Mapped[str | None]


class AppliedRow(Base):
    """The place in the source's log of what a row holds; ``deleted`` is a tombstone.

    The row whose ``row_id`` is nil stands for all rows of the data set without a newer one: the last truncate.
    """

    __tablename__ = "applied"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    migration: Mapped[str] = mapped_column(_NAME, primary_key=True)
    data_set: Mapped[str] = mapped_column(_NAME, primary_key=True)
    row_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    step: Mapped[int]
    deleted: Mapped[bool]


class ForeignWrite(OrgRow):
    """A write on the passive side that no flow of ours made: an alarm. ``key`` is JSON."""

    __tablename__ = "foreign_writes"
    __table_args__ = (
        UniqueConstraint("org_id", "migration", "source", "direction", "number", "step"),
        _SCHEMA,
    )

    migration: Mapped[str] = mapped_column(_NAME)
    source: Mapped[str] = mapped_column(_NAME)
    direction: Mapped[str] = mapped_column(_NAME)
    collection: Mapped[str]
    kind: Mapped[str]
    key: Mapped[str]
    number: Mapped[int] = mapped_column(BigInteger)
    step: Mapped[int]
    committed_at: Mapped[datetime]


class RowAlias(Base):
    """The id that the legacy key of a row born here would give, and the id the row has."""

    __tablename__ = "row_aliases"
    __table_args__ = (_SCHEMA,)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    alias: Mapped[UUID] = mapped_column(primary_key=True)
    row_id: Mapped[UUID]
    migration: Mapped[str] = mapped_column(_NAME)
    data_set: Mapped[str] = mapped_column(_NAME)
