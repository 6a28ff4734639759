"""Refresh families: one per log-in, a chain of refresh tokens of which only the newest is good."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, update

from caravan.core.database import WriteSession
from caravan.core.ids import uuid7
from caravan.platform.identity.credential_tables import RefreshFamily, RefreshToken
from caravan.platform.identity.members import Member
from caravan.platform.identity.opaque_tokens import digest, new_token
from caravan.platform.identity.parts import Identity
from caravan.platform.identity.revocations import announce
from caravan.platform.identity.tenancy_tables import User

__all__ = ["Issued", "Visitor", "beside", "issue", "open_family", "revoke_families"]


@dataclass(frozen=True, slots=True)
class Visitor:
    """From where somebody logs in, as the sessions list shows it."""

    user_agent: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens as they are handed out, once."""

    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    session: UUID
    user: User
    member: Member | None


def open_family(
    session: WriteSession, identity: Identity, user: User, member: Member | None, visitor: Visitor
) -> Issued:
    """Begin a family in the place that was chosen at log-in."""
    now = identity.clock()
    family = RefreshFamily(
        id=uuid7(),
        user_id=user.id,
        chosen_org_id=member.org if member else None,
        chosen_client_id=member.client if member else None,
        user_agent=(visitor.user_agent or "")[:400] or None,
        address=visitor.address,
        last_used_at=now,
        expires_at=now + identity.refresh_lifetime,
    )
    session.add(family)
    return issue(session, identity, user, member, family)


def issue(
    session: WriteSession, identity: Identity, user: User, member: Member | None, family: RefreshFamily
) -> Issued:
    """Add the family's next refresh token, and an access token beside it."""
    refresh = new_token()
    session.add(RefreshToken(family_id=family.id, token_hash=digest(refresh)))
    return beside(identity, user, member, family, refresh)


def beside(
    identity: Identity, user: User, member: Member | None, family: RefreshFamily, refresh: str
) -> Issued:
    """Make an access token beside the family's newest refresh token."""
    access, expires = identity.tokens.issue(
        user=user.id,
        session=family.id,
        org=member.org if member else None,
        client=member.client if member else None,
        scopes=member.scopes if member else frozenset(),
    )
    return Issued(access, expires, refresh, family.expires_at, family.id, user, member)


async def revoke_families(
    session: WriteSession, *which: ColumnElement[bool], because: str, now: datetime
) -> list[UUID]:
    """End every live family that fits, everywhere at once; returns their ids."""
    ended = update(RefreshFamily).where(RefreshFamily.revoked_at.is_(None), *which)
    ids = (
        await session.scalars(
            ended.values(revoked_at=now, revoked_because=because).returning(RefreshFamily.id)
        )
    ).all()
    await announce(session, *ids)
    return list(ids)
