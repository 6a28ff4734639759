"""A user's memberships as the rest of identity sees them, and which of them a log-in means."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select

from caravan.core.database import AnySession
from caravan.platform.identity.places import find_client, find_organisation
from caravan.platform.identity.roles import scopes_of
from caravan.platform.identity.tenancy_tables import Membership

__all__ = ["Member", "choose_member", "member_in", "members_of"]


@dataclass(frozen=True, slots=True)
class Member:
    """One membership: where, as what, and what that allows."""

    org: UUID
    client: UUID | None
    role: str
    scopes: frozenset[str]


async def members_of(session: AnySession, user: UUID) -> Sequence[Member]:
    """Return all memberships of a user; needs a session that sees every tenant."""
    rows = await session.scalars(
        select(Membership).where(Membership.user_id == user).order_by(Membership.created_at, Membership.id)
    )
    return [_member(row) for row in rows]


async def member_in(session: AnySession, user: UUID, org: UUID) -> Member | None:
    """Return the membership of a user in one organisation."""
    row = await session.scalar(select(Membership).where(Membership.user_id == user, Membership.org_id == org))
    return _member(row) if row is not None else None


async def choose_member(
    session: AnySession, user: UUID, *, org: str | None, client_code: str | None
) -> tuple[bool, Member | None]:
    """Return whether the user may log in here, and the membership that is meant.

    A client code, as the portal asks for, means that client in the one organisation of the user's that has it. Without
    any choice the only membership is meant; of several none is, and each request names its organisation.
    """
    members = await members_of(session, user)
    if org is not None:
        chosen = await find_organisation(session, org)
        members = [member for member in members if member.org == chosen]
    if client_code is not None:
        found = [(member, await find_client(session, member.org, client_code)) for member in members]
        members = [
            replace(member, client=client)
            for member, client in found
            if client is not None and member.client in {None, client}
        ]
        if len(members) > 1:
            return False, None
    return bool(members), members[0] if len(members) == 1 else None


def _member(row: Membership) -> Member:
    return Member(row.org_id, row.client_id, row.role, scopes_of(row.role, row.permissions))
