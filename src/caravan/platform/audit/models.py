"""The tables of the audit: entries by everybody, seals and checkpoints by the sealer alone; nothing is ever changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base, OrgRow

__all__ = ["AuditCheckpoint", "AuditEntry", "AuditSeal"]


class AuditEntry(OrgRow):
    """Who did what to which thing; ``xid`` is the transaction (xid8 as a number) that wrote it.

    ``content_hash`` is SHA-256 over the canonical JSON of all the rest but ``xid``.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_xid", "xid", "org_id", "id"),
        Index("ix_audit_entries_entity", "org_id", "entity", "entity_id", "id"),
    )

    principal: Mapped[str]
    action: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    request_id: Mapped[str | None]
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    xid: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint"))


class AuditSeal(Base):
    """One link of an organisation's chain; ``seq`` counts from 1 without gaps."""

    __tablename__ = "audit_seals"
    __table_args__ = (UniqueConstraint("org_id", "entry_id"),)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[UUID]
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    chain_hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AuditCheckpoint(Base):
    """A signature over the end of a chain; every entry of a transaction below ``horizon`` was sealed by then."""

    __tablename__ = "audit_checkpoints"
    __table_args__ = (Index("ix_audit_checkpoints_made_at", "made_at"),)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chain_hash: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str]
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
    horizon: Mapped[int] = mapped_column(BigInteger)
