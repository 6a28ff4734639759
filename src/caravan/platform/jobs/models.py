"""The tables of jobs. What may follow what is in ``job_transitions``; the steps are functions of the database."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base, OrgRow

__all__ = ["JobOutput", "JobQueue", "JobRow", "JobSlot", "JobTransition"]


class JobTransition(Base):
    """A step that is allowed; a trigger refuses every other."""

    __tablename__ = "job_transitions"

    before: Mapped[str] = mapped_column(primary_key=True)
    after: Mapped[str] = mapped_column(primary_key=True)


class JobQueue(Base):
    """One queue of one organisation. Triggers keep ``version`` and the counters; the hold is a lease."""

    __tablename__ = "job_queues"
    __table_args__ = (
        CheckConstraint("concurrency > 0", name="concurrency"),
        Index("ix_job_queues_pending", "claimed_at", postgresql_where=text("pending > 0")),
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    concurrency: Mapped[int] = mapped_column(server_default="1")
    last_number: Mapped[int] = mapped_column(BigInteger, server_default="0")
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    pending: Mapped[int] = mapped_column(BigInteger, server_default="0")
    running: Mapped[int] = mapped_column(BigInteger, server_default="0")
    completed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    failed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    cancelled: Mapped[int] = mapped_column(BigInteger, server_default="0")
    claimed_at: Mapped[datetime | None]
    held_by: Mapped[str | None]
    hold_fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    hold_expires_at: Mapped[datetime | None]


class JobRow(OrgRow):
    """One job; see `caravan.platform.jobs.Job` for what its columns mean."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("org_id", "queue", "number"),
        ForeignKeyConstraint(["org_id", "queue"], ["job_queues.org_id", "job_queues.name"]),
        CheckConstraint("state IN ('pending', 'running', 'completed', 'failed', 'cancelled')", name="state"),
        Index(
            "ix_jobs_unfinished",
            "org_id",
            "queue",
            "state",
            "number",
            postgresql_where=text("state IN ('pending', 'running')"),
        ),
    )

    queue: Mapped[str]
    number: Mapped[int] = mapped_column(BigInteger)
    workflow: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    reference: Mapped[str | None]
    principal: Mapped[str | None]
    request_id: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="pending")
    fence: Mapped[int | None] = mapped_column(BigInteger)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    error: Mapped[str | None]
    reason: Mapped[str | None]
    exit_code: Mapped[int | None]
    signal: Mapped[int | None]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    peak_memory: Mapped[int | None] = mapped_column(BigInteger)
    output_bytes: Mapped[int | None] = mapped_column(BigInteger)
    progress: Mapped[dict[str, Any] | None]
    result: Mapped[Any | None] = mapped_column(JSONB)


class JobSlot(Base):
    """One place in which one job of a queue runs; held by lease, fenced by a number that only grows."""

    __tablename__ = "job_slots"
    __table_args__ = (Index("ix_job_slots_holder", "holder", postgresql_where=text("holder IS NOT NULL")),)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    holder: Mapped[str | None]
    job_id: Mapped[UUID | None]
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    expires_at: Mapped[datetime | None]


class JobOutput(Base):
    """A piece of what a job printed; ``position`` counts bytes from the beginning of both streams together.

    A row at position -1 says when all of it was removed.
    """

    __tablename__ = "job_output"
    __table_args__ = (
        ForeignKeyConstraint(["org_id", "job_id"], ["jobs.org_id", "jobs.id"]),
        Index("ix_job_output_written", "written_at", postgresql_where=text("position >= 0")),
    )

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    stream: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    written_at: Mapped[datetime] = mapped_column(server_default=func.now())
