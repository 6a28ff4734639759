"""Who there is: organisations with their clients and projects, users, and who belongs where."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from caravan.core.database import OrgRow, Row

__all__ = ["Client", "Invite", "Membership", "Organisation", "Project", "User"]


class Organisation(Row):
    """The tenant. Row-level security compares its own id, so a caller's organisation is the only one it sees."""

    __tablename__ = "organisations"
    __table_args__ = (CheckConstraint("code ~ '^[a-z0-9-]{3,32}$'", name="code"),)

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    external_id: Mapped[str | None] = mapped_column(unique=True)
    """The id by which a legacy's tokens and headers name it."""


class Client(OrgRow):
    __tablename__ = "clients"
    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organisations.id"]),
        UniqueConstraint("org_id", "code"),
        UniqueConstraint("org_id", "external_id"),
        CheckConstraint("code ~ '^[a-z0-9-]{3,32}$'", name="code"),
    )

    code: Mapped[str]
    name: Mapped[str]
    external_id: Mapped[str | None]


class Project(OrgRow):
    __tablename__ = "projects"
    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organisations.id"]),
        ForeignKeyConstraint(["org_id", "client_id"], ["clients.org_id", "clients.id"]),
        UniqueConstraint("org_id", "code"),
        UniqueConstraint("org_id", "external_id"),
        CheckConstraint("code ~ '^[A-Za-z0-9._-]{1,64}$'", name="code"),
        Index(None, "org_id", "client_id"),
    )

    client_id: Mapped[UUID | None]
    code: Mapped[str]
    name: Mapped[str]
    external_id: Mapped[str | None]


class User(Row):
    """A person, in any number of organisations; only the home organisation's administrators may change the person."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email"),
        CheckConstraint("username ~ '^[a-z0-9._-]{3,64}$'", name="username"),
    )

    email: Mapped[str] = mapped_column(unique=True)
    username: Mapped[str | None] = mapped_column(unique=True)
    display_name: Mapped[str]
    locale: Mapped[str] = mapped_column(server_default="en")
    home_org_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    password_hash: Mapped[str | None]
    password_changed_at: Mapped[datetime | None]
    must_change_password: Mapped[bool] = mapped_column(server_default=false())
    totp_secret: Mapped[bytes | None]
    """Sealed; present and not enabled while it is being set up."""
    totp_enabled_at: Mapped[datetime | None]
    totp_last_step: Mapped[int] = mapped_column(server_default=text("0"))
    last_login_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class Membership(OrgRow):
    """A user's place in an organisation; with a client, nothing outside that client is theirs."""

    __tablename__ = "memberships"
    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organisations.id"]),
        ForeignKeyConstraint(["user_id"], ["users.id"]),
        ForeignKeyConstraint(["org_id", "client_id"], ["clients.org_id", "clients.id"]),
        UniqueConstraint("org_id", "user_id"),
        Index(None, "user_id"),
        Index(None, "org_id", "client_id"),
    )

    user_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    role: Mapped[str]
    permissions: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))
    """Permission keys beyond those of the role."""


class Invite(OrgRow):
    __tablename__ = "invites"
    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organisations.id"]),
        ForeignKeyConstraint(["org_id", "client_id"], ["clients.org_id", "clients.id"]),
        ForeignKeyConstraint(["created_by"], ["users.id"]),
        UniqueConstraint("token_hash"),
    )

    email: Mapped[str]
    role: Mapped[str]
    client_id: Mapped[UUID | None]
    token_hash: Mapped[bytes]
    created_by: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
