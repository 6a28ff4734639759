"""The first administrator of a new installation, and people added from the command line."""

import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from caravan.core.database import WriteSession
from caravan.core.principal import NotFoundError, Principal, PrincipalKind
from caravan.platform.identity.log_in import find_user
from caravan.platform.identity.organisations import create_organisation
from caravan.platform.identity.parts import Identity
from caravan.platform.identity.password_reset import replace_password
from caravan.platform.identity.places import find_organisation
from caravan.platform.identity.roles import ADMIN
from caravan.platform.identity.tenancy_tables import Organisation, User
from caravan.platform.identity.users import NewUser, create_user

__all__ = ["AddedUser", "add_user", "create_first_admin", "reset_password_by_operator"]

_LOCK: Final = 0x63617261_61646D69


@dataclass(frozen=True, slots=True)
class AddedUser:
    """``password`` is shown once, and has to be changed."""

    id: UUID
    org: UUID | None
    email: str
    password: str


async def create_first_admin(
    identity: Identity,
    *,
    org: str = "caravan",
    email: str = "admin@caravan.localhost",
    password: str | None = None,
) -> AddedUser | None:
    """Make an administrator where there is no user at all, with its organisation (by code); None where there is one."""
    async with identity.system.write() as session:
        await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        if await session.scalar(select(User.id).limit(1)) is not None:
            return None
        org_id = await find_organisation(session, org)
        if org_id is None:
            org_id = (await create_organisation(session, _operator(None), code=org, name=org)).id
        return await _add(
            session, identity, org_id, password, NewUser(email, "Administrator", role="org-owner")
        )


async def add_user(
    identity: Identity,
    *,
    org: str | None,
    email: str,
    role: str,
    display_name: str | None = None,
    username: str | None = None,
    password: str | None = None,
) -> AddedUser:
    """Make a member of an organisation (by id or code; the only one there is when None), as an operator.

    Raises:
        NotFoundError: no such organisation, or none named where there are several.
        EmailTakenError, UsernameTakenError, RoleUnknownError, PasswordTooWeakError: as their messages say.
    """
    async with identity.system.write() as session:
        org_id = await find_organisation(session, org) if org is not None else await _only_one(session)
        if org_id is None:
            raise NotFoundError(f"There is no organisation {org!r}.")
        new = NewUser(email, display_name or email, username=username, role=role)
        return await _add(session, identity, org_id, password, new)


async def _only_one(session: WriteSession) -> UUID:
    found = (
        await session.execute(select(Organisation.id, Organisation.code).order_by(Organisation.code))
    ).all()
    if len(found) != 1:
        codes = ", ".join(code for _, code in found) or "none yet"
        raise NotFoundError(f"Name the organisation; there are: {codes}.")
    return UUID(str(found[0].id))


async def reset_password_by_operator(identity: Identity, identifier: str) -> AddedUser:
    """Give somebody a password for the next log-in; their sessions and lock-outs end. Raises ``NotFoundError``."""
    password = secrets.token_urlsafe(12)
    hashed = await identity.passwords.hash(password)
    async with identity.system.write() as session:
        user = await find_user(session, identifier)
        if user is None:
            raise NotFoundError(f"There is nobody with the name {identifier!r}.")
        await replace_password(
            session, _operator(None), user.id, hashed, now=identity.clock(), must_change=True
        )
        return AddedUser(user.id, user.home_org_id, user.email, password)


async def _add(
    session: WriteSession, identity: Identity, org: UUID, password: str | None, new: NewUser
) -> AddedUser:
    chosen = password or secrets.token_urlsafe(12)
    with_password = NewUser(
        new.email, new.display_name, username=new.username, password=chosen, role=new.role
    )
    user = await create_user(session, _operator(org), identity.passwords, with_password)
    return AddedUser(user.id, org, user.email, chosen)


def _operator(org: UUID | None) -> Principal:
    return Principal(PrincipalKind.SERVICE, org=org, scopes=frozenset({ADMIN}), name="operator")
