"""Invitations: by e-mail, with a role and perhaps a client; used once they make a member, and a user where none was."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update

from caravan.core.clock import Clock
from caravan.core.database import AnySession, WriteSession
from caravan.core.ids import uuid7
from caravan.core.outbox import emit
from caravan.core.principal import NotFoundError, Principal, PrincipalKind
from caravan.core.protocols import Notifier
from caravan.platform import audit
from caravan.platform.identity.callers import person_of
from caravan.platform.identity.clients import get_client
from caravan.platform.identity.errors import InviteInvalidError
from caravan.platform.identity.grants import check_client, check_grant
from caravan.platform.identity.listing import Listed, list_by_id
from caravan.platform.identity.log_in import find_user
from caravan.platform.identity.memberships import add_membership
from caravan.platform.identity.opaque_tokens import digest, new_token
from caravan.platform.identity.parts import Identity
from caravan.platform.identity.passwords import check_strength
from caravan.platform.identity.roles import ADMIN, role_named
from caravan.platform.identity.tenancy_tables import Invite, Organisation, User
from caravan.platform.identity.users import NewUser, create_user

__all__ = [
    "INVITED",
    "Acceptance",
    "accept_invite",
    "create_invite",
    "list_invites",
    "revoke_invite",
    "send_invite",
]

INVITED: Final = "identity.invite_created"
_LIFETIME: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What the invited person says; password and names matter only to who is new here."""

    token: str
    password: str
    display_name: str | None = None
    username: str | None = None


async def create_invite(
    session: WriteSession, principal: Principal, *, email: str, role: str, client: str | None, now: datetime
) -> Invite:
    """Invite somebody. The token is made when the message is sent; until then nothing fits the row."""
    check_grant(principal, role, ())
    invite = Invite(
        org_id=principal.require_org(),
        id=uuid7(),
        email=email.strip().lower(),
        role=role_named(role).name,
        client_id=(await get_client(session, principal, client)).id if client else principal.client,
        token_hash=digest(new_token()),
        created_by=person_of(principal),
        expires_at=now + _LIFETIME,
    )
    session.add(invite)
    await session.flush()
    await session.refresh(invite)
    await emit(session, INVITED, {"invite_id": str(invite.id)}, principal=principal)
    after = {"email": invite.email, "role": invite.role}
    await audit.record(
        session, principal, "identity.invite_created", entity="invite", entity_id=invite.id, after=after
    )
    return invite


async def list_invites(
    session: AnySession, principal: Principal, *, limit: int, cursor: str | None
) -> Listed[Invite]:
    """Return the invitations the caller sees, used and ended ones too."""
    statement = select(Invite).where(Invite.org_id == principal.require_org())
    if principal.client is not None:
        statement = statement.where(Invite.client_id == principal.client)
    return await list_by_id(
        session, statement, Invite.__table__.c.id, name="invites", limit=limit, cursor=cursor
    )


async def revoke_invite(session: WriteSession, principal: Principal, which: UUID, *, now: datetime) -> Invite:
    """Take an invitation back; one that was used or taken back stays as it is."""
    invite = await session.get(Invite, (principal.require_org(), which), with_for_update=True)
    if invite is None:
        raise NotFoundError("There is no such invitation.")
    check_client(principal, invite.client_id)
    if invite.accepted_at is None and invite.revoked_at is None:
        invite.revoked_at = now
        await audit.record(session, principal, "identity.invite_revoked", entity="invite", entity_id=which)
    return invite


async def send_invite(
    session: WriteSession,
    org: UUID,
    which: UUID,
    *,
    notifier: Notifier,
    idempotency_key: str,
    page: str,
    clock: Clock,
) -> None:
    """Make the token and send it; an earlier one of the same invitation ends."""
    invite = await session.get(Invite, (org, which), with_for_update=True)
    if invite is None or invite.accepted_at or invite.revoked_at or invite.expires_at <= clock():
        return
    organisation = await session.get_one(Organisation, org)
    inviter = await session.get(User, invite.created_by) if invite.created_by else None
    token = new_token()
    invite.token_hash = digest(token)
    await session.flush()
    variables = {
        "name": invite.email,
        "inviter": inviter.display_name if inviter else organisation.name,
        "organisation": organisation.name,
        "url": f"{page}?token={token}",
        "days": (invite.expires_at - clock()).days,
        "locale": inviter.locale if inviter else "en",
    }
    await notifier.send(
        channel="email",
        to=invite.email,
        template="invite",
        variables=variables,
        idempotency_key=idempotency_key,
    )


async def accept_invite(identity: Identity, acceptance: Acceptance) -> User:
    """Use an invitation: the person becomes a member; who has an account keeps its password.

    Raises:
        InviteInvalidError: unknown, used, taken back or expired.
        PasswordTooWeakError, UsernameTakenError, MemberExistsError: the invitation stays good for another try.
    """
    now = identity.clock()
    async with identity.system.write() as session:
        used = (
            update(Invite)
            .where(
                Invite.token_hash == digest(acceptance.token),
                Invite.accepted_at.is_(None),
                Invite.revoked_at.is_(None),
                Invite.expires_at > now,
            )
            .values(accepted_at=now)
            .returning(Invite)
        )
        invite = await session.scalar(used)
        if invite is None:
            raise InviteInvalidError
        host = Principal(
            PrincipalKind.SERVICE, invite.id, invite.org_id, scopes=frozenset({ADMIN}), name="invitation"
        )
        client = str(invite.client_id) if invite.client_id else None
        user = await find_user(session, invite.email)
        if user is not None:
            await add_membership(session, host, user=user.id, role=invite.role, client=client)
            return user
        check_strength(acceptance.password, invite.email, acceptance.username)
        new = NewUser(
            invite.email,
            acceptance.display_name or invite.email,
            username=acceptance.username,
            password=acceptance.password,
            role=invite.role,
            client=client,
        )
        user = await create_user(session, host, identity.passwords, new)
        user.must_change_password, user.password_changed_at = False, now
        return user
