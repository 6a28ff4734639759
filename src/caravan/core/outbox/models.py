"""The tables of background work."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base, OrgRow

__all__ = ["Heartbeat", "InboxRow", "OutboxRow", "ScheduledRun"]

_UNDECIDED = "key IS NOT NULL AND state IN ('new', 'relayed', 'parked')"


class OutboxRow(OrgRow):
    """One event: new → relayed → done, or parked until somebody decides (retried: new; dropped).

    ``seq`` is the order of writing; ``due_at`` the moment from which it may be sent (again), infinity
    for one that is held behind a parked one of its key. Events of no tenant
    carry the nil organisation.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("id"),
        CheckConstraint("state IN ('new', 'relayed', 'done', 'parked', 'dropped')", name="state"),
        Index("ix_outbox_new", "seq", postgresql_where=text("state = 'new' AND due_at < 'infinity'")),
        Index("ix_outbox_relayed", "due_at", postgresql_where=text("state = 'relayed'")),
        Index("ix_outbox_key", "org_id", "key", "seq", postgresql_where=text(_UNDECIDED)),
        Index("ix_outbox_parked", "seq", postgresql_where=text("state = 'parked'")),
        Index("ix_outbox_done_at", "done_at", postgresql_where=text("done_at IS NOT NULL")),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    name: Mapped[str]
    payload: Mapped[dict[str, Any]]
    key: Mapped[str | None]
    client_id: Mapped[UUID | None]
    project_id: Mapped[UUID | None]
    principal: Mapped[str]
    request_id: Mapped[str | None]
    trace: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="new")
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    relays: Mapped[int] = mapped_column(server_default="0")
    failures: Mapped[int] = mapped_column(server_default="0")
    reason: Mapped[str | None]
    relayed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


class InboxRow(Base):
    """One effect: this handler has handled this event, committed together with what it did."""

    __tablename__ = "inbox"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    handler: Mapped[str] = mapped_column(primary_key=True)
    handled_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ScheduledRun(Base):
    """One slot of a schedule that was turned into an event."""

    __tablename__ = "scheduled_runs"

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Heartbeat(Base):
    """The last sign of life of one part of one process: ``kind`` is "queue", "relay", "schedules" or "sealer".

    ``sleeping`` is set by a relay that has nothing to do: writers of events wake only such a one.
    """

    __tablename__ = "heartbeats"
    __table_args__ = (Index("ix_heartbeats_sleeping", "kind", postgresql_where=text("sleeping")),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    process: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sleeping: Mapped[bool] = mapped_column(server_default=text("false"))
