"""Users, as the organisations they belong to see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select

from caravan.core.database import AnySession, WriteSession
from caravan.core.ids import uuid7
from caravan.core.principal import NotFoundError, Principal
from caravan.platform import audit
from caravan.platform.identity.conflicts import conflicts
from caravan.platform.identity.credential_tables import RecoveryCode, RefreshFamily
from caravan.platform.identity.errors import EmailTakenError, UserElsewhereError, UsernameTakenError
from caravan.platform.identity.expectations import Expectation, anything
from caravan.platform.identity.families import revoke_families
from caravan.platform.identity.grants import check_client, check_rank
from caravan.platform.identity.listing import Listed, list_by_id
from caravan.platform.identity.memberships import add_membership
from caravan.platform.identity.passwords import Passwords, check_strength
from caravan.platform.identity.revocations import announce
from caravan.platform.identity.tenancy_tables import Membership, User

__all__ = [
    "USERNAME",
    "NewUser",
    "UserChange",
    "create_user",
    "disable_user",
    "enable_user",
    "get_user",
    "list_users",
    "reset_second_factor",
    "update_user",
]

USERNAME: Final = r"^[A-Za-z0-9._-]{3,64}$"
"""What a user name looks like; without an @ it is never taken for an e-mail address."""


@dataclass(frozen=True, slots=True)
class NewUser:
    """A person to be made a member; a password given here has to be changed by its owner."""

    email: str
    display_name: str
    username: str | None = None
    password: str | None = None
    locale: str = "en"
    role: str = "user"
    permissions: Sequence[str] = ()
    client: str | None = None


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is None stays."""

    email: str | None = None
    username: str | None = None
    display_name: str | None = None
    locale: str | None = None


async def create_user(
    session: WriteSession, principal: Principal, passwords: Passwords, new: NewUser
) -> User:
    """Make a person whose home is the caller's organisation, and a member of it."""
    email, username = new.email.strip().lower(), new.username.lower() if new.username else None
    hashed = None
    if new.password is not None:
        check_strength(new.password, email, username)
        hashed = await passwords.hash(new.password)
    user = User(
        id=uuid7(),
        email=email,
        username=username,
        display_name=new.display_name,
        locale=new.locale,
        home_org_id=principal.require_org(),
        password_hash=hashed,
        must_change_password=hashed is not None,
    )
    async with conflicts(session, _taken(email, username)):
        session.add(user)
    await session.refresh(user)
    await add_membership(
        session, principal, user=user.id, role=new.role, permissions=new.permissions, client=new.client
    )
    await _recorded(session, principal, "identity.user_created", user, after=_told(user))
    return user


async def list_users(
    session: AnySession, principal: Principal, *, limit: int, cursor: str | None
) -> Listed[User]:
    """Return the members the caller sees."""
    statement = select(User).join(Membership, Membership.user_id == User.id)
    statement = statement.where(Membership.org_id == principal.require_org())
    if principal.client is not None:
        statement = statement.where(Membership.client_id == principal.client)
    return await list_by_id(session, statement, User.__table__.c.id, name="users", limit=limit, cursor=cursor)


async def get_user(session: AnySession, principal: Principal, which: UUID) -> User:
    """Return a member of the caller's organisation; anybody else is not found."""
    await _membership(session, principal, which)
    return await session.get_one(User, which)


async def update_user(
    session: WriteSession,
    principal: Principal,
    which: UUID,
    change: UserChange,
    *,
    expect: Expectation = anything,
) -> User:
    """Change a person whose home this organisation is."""
    user = await _own(session, principal, which)
    expect(user)
    before = _told(user)
    email = change.email.strip().lower() if change.email is not None else user.email
    username = change.username.lower() if change.username is not None else user.username
    async with conflicts(session, _taken(email, username)):
        user.email, user.username = email, username
        user.display_name = change.display_name or user.display_name
        user.locale = change.locale or user.locale
    await announce(session, user.id)
    await _recorded(session, principal, "identity.user_updated", user, before=before, after=_told(user))
    return user


async def disable_user(session: WriteSession, principal: Principal, which: UUID, *, now: datetime) -> User:
    """Keep a person out, and end all their sessions."""
    user = await _own(session, principal, which)
    if user.disabled_at is None:
        user.disabled_at = now
        await revoke_families(session, RefreshFamily.user_id == user.id, because="disabled", now=now)
        await _recorded(session, principal, "identity.user_disabled", user)
    return user


async def enable_user(session: WriteSession, principal: Principal, which: UUID) -> User:
    """Let a person in again."""
    user = await _own(session, principal, which)
    if user.disabled_at is not None:
        user.disabled_at = None
        await _recorded(session, principal, "identity.user_enabled", user)
    return user


async def reset_second_factor(session: WriteSession, principal: Principal, which: UUID) -> User:
    """Switch one-time codes off for a person who has lost phone and recovery codes."""
    user = await _own(session, principal, which)
    user.totp_secret, user.totp_enabled_at = None, None
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    await _recorded(session, principal, "identity.totp_reset", user)
    return user


async def _own(session: WriteSession, principal: Principal, which: UUID) -> User:
    """Return a person the caller may change: of this home, and not above the caller."""
    check_rank(principal, await _membership(session, principal, which))
    user = await session.get_one(User, which, with_for_update=True)
    if user.home_org_id != principal.org:
        raise UserElsewhereError
    return user


async def _membership(session: AnySession, principal: Principal, user: UUID) -> Membership:
    org = principal.require_org()
    membership = await session.scalar(
        select(Membership).where(Membership.org_id == org, Membership.user_id == user)
    )
    if membership is None:
        raise NotFoundError("There is no such person in your organisation.")
    check_client(principal, membership.client_id)
    return membership


def _taken(email: str, username: str | None) -> dict[str, EmailTakenError | UsernameTakenError]:
    return {
        "uq_users_email": EmailTakenError(f"Somebody has the e-mail address {email}."),
        "uq_users_username": UsernameTakenError(f"Somebody has the user name {username}."),
    }


def _told(user: User) -> dict[str, object]:
    return {
        "email": user.email,
        "username": user.username,
        "display_name": user.display_name,
        "locale": user.locale,
    }


async def _recorded(
    session: WriteSession,
    principal: Principal,
    action: str,
    user: User,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    await audit.record(
        session, principal, action, entity="user", entity_id=user.id, before=before, after=after
    )
