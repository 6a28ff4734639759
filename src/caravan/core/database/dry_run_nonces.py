"""Signatures of dry runs that were used: each is good once, in whatever process or machine it arrives."""

from datetime import datetime
from typing import Final

from sqlalchemy import func, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database.base import Base
from caravan.core.database.sessions import Database

__all__ = ["DryRunNonce", "is_first_use"]

_USE: Final = text(
    "WITH old AS (SELECT nonce FROM dry_run_nonces WHERE used_at < now() - interval '2 minutes'"
    " ORDER BY used_at LIMIT 100 FOR UPDATE SKIP LOCKED),"
    " gone AS (DELETE FROM dry_run_nonces d USING old WHERE d.nonce = old.nonce)"
    " INSERT INTO dry_run_nonces (nonce) VALUES (:nonce) ON CONFLICT DO NOTHING RETURNING nonce"
)


class DryRunNonce(Base):
    """One used signature, kept for twice the time that one is valid."""

    __tablename__ = "dry_run_nonces"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - as SQLAlchemy reads it

    nonce: Mapped[str] = mapped_column(primary_key=True)
    used_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


async def is_first_use(database: Database, nonce: str) -> bool:
    """Remember a nonce for good, and tell whether it is new."""
    async with database.write() as session:
        return await session.scalar(_USE, {"nonce": nonce}) is not None
