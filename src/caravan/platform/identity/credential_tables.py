"""How a caller proves who it is. Of every secret only a digest is kept; TOTP secrets are sealed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database import Base, OrgRow, Row

__all__ = ["ApiKey", "LoginAttempt", "PasswordReset", "RecoveryCode", "RefreshFamily", "RefreshToken"]


class RefreshFamily(Row):
    """One log-in and what was refreshed from it: what people call a session. Its id is the token's ``sid``."""

    __tablename__ = "refresh_families"
    __table_args__ = (
        ForeignKeyConstraint(["chosen_org_id", "chosen_client_id"], ["clients.org_id", "clients.id"]),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    chosen_org_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    chosen_client_id: Mapped[UUID | None]
    user_agent: Mapped[str | None]
    address: Mapped[str | None]
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]


class RefreshToken(Row):
    __tablename__ = "refresh_tokens"

    family_id: Mapped[UUID] = mapped_column(ForeignKey("refresh_families.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    used_at: Mapped[datetime | None]
    successor: Mapped[bytes | None]
    """Sealed under the token itself; kept of tokens that may be presented again for a moment."""


class ApiKey(OrgRow):
    __tablename__ = "api_keys"
    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organisations.id"]),
        ForeignKeyConstraint(["org_id", "client_id"], ["clients.org_id", "clients.id"]),
        ForeignKeyConstraint(["created_by"], ["users.id"]),
        UniqueConstraint("prefix"),
    )

    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[bytes]
    scopes: Mapped[list[str]]
    client_id: Mapped[UUID | None]
    created_by: Mapped[UUID | None]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class RecoveryCode(Row):
    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    code_hash: Mapped[bytes]
    used_at: Mapped[datetime | None]


class PasswordReset(Row):
    __tablename__ = "password_resets"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LoginAttempt(Base):
    """Failed log-ins by the digest of what was typed, known or not: so being locked out tells nobody who exists."""

    __tablename__ = "login_attempts"

    subject: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_failed_at: Mapped[datetime] = mapped_column(index=True)
    locked_until: Mapped[datetime | None]
