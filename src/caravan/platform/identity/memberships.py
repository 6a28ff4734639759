"""Memberships: who belongs to the organisation, as what, within which client."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from caravan.core.database import AnySession, WriteSession
from caravan.core.ids import uuid7
from caravan.core.principal import NotFoundError, Principal
from caravan.platform import audit
from caravan.platform.identity.clients import get_client
from caravan.platform.identity.conflicts import conflicts
from caravan.platform.identity.errors import LastAdminError, MemberExistsError
from caravan.platform.identity.expectations import Expectation, anything
from caravan.platform.identity.grants import check_client, check_grant, check_rank, known_permissions
from caravan.platform.identity.listing import Listed, list_by_id
from caravan.platform.identity.revocations import announce
from caravan.platform.identity.roles import ADMIN, role_named, scopes_of
from caravan.platform.identity.tenancy_tables import Membership, Organisation, User

__all__ = ["add_membership", "end_membership", "get_membership", "list_memberships", "update_membership"]


async def add_membership(
    session: WriteSession,
    principal: Principal,
    *,
    user: UUID | str,
    role: str,
    permissions: Sequence[str] = (),
    client: str | None = None,
) -> Membership:
    """Add a person by id or e-mail address; raises ``MemberExistsError`` for one who belongs here already."""
    keys = known_permissions(permissions)
    check_grant(principal, role, keys)
    client_id = (await get_client(session, principal, client)).id if client is not None else principal.client
    condition = User.id == user if isinstance(user, UUID) else User.email == user.strip().lower()
    person = await session.scalar(select(User).where(condition))
    if person is None:
        raise NotFoundError("There is no such person.")
    membership = Membership(
        org_id=principal.require_org(),
        id=uuid7(),
        user_id=person.id,
        role=role_named(role).name,
        permissions=keys,
        client_id=client_id,
    )
    exists = MemberExistsError("The person is a member of this organisation.")
    async with conflicts(session, {"uq_memberships_org_id_user_id": exists}):
        session.add(membership)
    await session.refresh(membership)
    await announce(session, person.id)
    await _recorded(session, principal, "identity.membership_created", membership, before=None)
    return membership


async def list_memberships(
    session: AnySession, principal: Principal, *, limit: int, cursor: str | None
) -> Listed[Membership]:
    """Return the memberships the caller sees."""
    statement = select(Membership).where(Membership.org_id == principal.require_org())
    if principal.client is not None:
        statement = statement.where(Membership.client_id == principal.client)
    return await list_by_id(
        session, statement, Membership.__table__.c.id, name="memberships", limit=limit, cursor=cursor
    )


async def get_membership(session: AnySession, principal: Principal, which: UUID) -> Membership:
    """Return one membership."""
    return await _seen(session, principal, which)


async def _locked(session: WriteSession, principal: Principal, which: UUID) -> Membership:
    """Return a membership that is going to be changed; changes within one organisation wait for each other.

    The organisation is locked first, since a change of one administrator looks at all the others: two that each held
    their own row would wait for each other's.
    """
    organisation = select(Organisation.id).where(Organisation.id == principal.require_org())
    await session.execute(organisation.with_for_update(key_share=True))
    return await _seen(session, principal, which, lock=True)


async def _seen(session: AnySession, principal: Principal, which: UUID, *, lock: bool = False) -> Membership:
    membership = await session.get(Membership, (principal.require_org(), which), with_for_update=lock or None)
    if membership is None:
        raise NotFoundError("There is no such membership.")
    check_client(principal, membership.client_id)
    return membership


async def update_membership(
    session: WriteSession,
    principal: Principal,
    which: UUID,
    *,
    role: str | None = None,
    permissions: Sequence[str] | None = None,
    expect: Expectation = anything,
) -> Membership:
    """Change what a member may do; effective at once for those who are logged in."""
    membership = await _locked(session, principal, which)
    check_rank(principal, membership)
    expect(membership)
    keys = membership.permissions if permissions is None else known_permissions(permissions)
    named = membership.role if role is None else role_named(role).name
    check_grant(principal, named, keys)
    if ADMIN not in scopes_of(named, keys):
        await _keep_an_admin(session, membership)
    before = _told(membership)
    membership.role, membership.permissions = named, list(keys)
    await announce(session, membership.user_id)
    await _recorded(session, principal, "identity.membership_updated", membership, before=before)
    return membership


async def end_membership(
    session: WriteSession, principal: Principal, which: UUID, *, expect: Expectation = anything
) -> None:
    """End a membership; effective at once."""
    membership = await _locked(session, principal, which)
    check_rank(principal, membership)
    expect(membership)
    await _keep_an_admin(session, membership)
    await session.delete(membership)
    await announce(session, membership.user_id)
    await _recorded(session, principal, "identity.membership_ended", membership, before=_told(membership))


async def _keep_an_admin(session: WriteSession, leaving: Membership) -> None:
    """Raise ``LastAdminError`` when no administrator would be left; locks them, so that two cannot leave together."""
    if ADMIN not in scopes_of(leaving.role, leaving.permissions):
        return
    statement = select(Membership).where(Membership.org_id == leaving.org_id).order_by(Membership.id)
    rows = await session.scalars(statement.with_for_update(), execution_options={"populate_existing": True})
    others = [row for row in rows if row.id != leaving.id]
    if not any(ADMIN in scopes_of(row.role, row.permissions) for row in others):
        raise LastAdminError("This is the last administrator of the organisation.")


def _told(membership: Membership) -> dict[str, object]:
    client = str(membership.client_id) if membership.client_id else None
    return {"role": membership.role, "permissions": list(membership.permissions), "client_id": client}


async def _recorded(
    session: WriteSession,
    principal: Principal,
    action: str,
    membership: Membership,
    *,
    before: dict[str, object] | None,
) -> None:
    ended = action.endswith("ended")
    after = None if ended else {"user_id": str(membership.user_id), **_told(membership)}
    await audit.record(
        session,
        principal,
        action,
        entity="membership",
        entity_id=membership.id,
        before=before,
        after=after,
    )
