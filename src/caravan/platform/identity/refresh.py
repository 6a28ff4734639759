"""Refresh: each token works once, strictly; the second use of one ends the session for both who hold it."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from caravan.core.database import WriteSession
from caravan.core.errors import CaravanError
from caravan.core.principal import Principal, PrincipalKind
from caravan.platform import audit
from caravan.platform.identity.credential_tables import RefreshFamily, RefreshToken
from caravan.platform.identity.errors import RefreshExpiredError, RefreshInvalidError, RefreshReusedError
from caravan.platform.identity.families import Issued, beside, issue, revoke_families
from caravan.platform.identity.members import Member, member_in
from caravan.platform.identity.opaque_tokens import digest
from caravan.platform.identity.parts import Identity
from caravan.platform.identity.successors import read_successor, seal_successor
from caravan.platform.identity.tenancy_tables import User

__all__ = ["refresh"]


async def refresh(identity: Identity, token: str, *, grace: timedelta | None = None) -> Issued:
    """Exchange a refresh token for the next pair, in the organisation and client chosen at log-in (R-02).

    Of two parallel uses one wins, and then the family ends: a client sends one refresh at a time. Only who asks with
    ``grace``, as the console does for tabs that cannot know of each other, may present a token that was exchanged the
    same way again for so long, and gets the same successor, until that one is used. It runs its own transaction,
    because the end of a family has to stay.

    Raises:
        RefreshInvalidError: unknown, its session ended, or its user may no longer be where the session is.
        RefreshExpiredError: not used for too long.
        RefreshReusedError: used before; the family is revoked.
    """
    async with identity.system.write() as session:
        outcome = await _rotate(session, identity, token, grace)
    if isinstance(outcome, CaravanError):
        raise outcome
    return outcome


async def _rotate(
    session: WriteSession, identity: Identity, token: str, grace: timedelta | None
) -> Issued | CaravanError:
    now = identity.clock()
    taken = (
        update(RefreshToken)
        .where(RefreshToken.token_hash == digest(token), RefreshToken.used_at.is_(None))
        .values(used_at=now)
        .returning(RefreshToken.family_id)
    )
    family_id = await session.scalar(taken)
    successor = None
    if family_id is None and grace is not None:
        family_id, successor = await _exchanged_just_now(session, token, since=now - grace)
    if family_id is None:
        return await _refused(session, identity, token)
    family = await session.get_one(RefreshFamily, family_id, with_for_update=True)
    if family.revoked_at is not None:
        return RefreshInvalidError("The session has ended.")
    if family.expires_at <= now:
        return RefreshExpiredError()
    user = await session.get_one(User, family.user_id)
    member = await _member(session, family)
    if user.disabled_at is not None or (member is None and family.chosen_org_id is not None):
        return RefreshInvalidError("You are no longer a member of the organisation of this session.")
    if successor is not None:
        return beside(identity, user, member, family, successor)
    family.last_used_at, family.expires_at = now, now + identity.refresh_lifetime
    issued = issue(session, identity, user, member, family)
    if grace is not None:
        sealed = seal_successor(token, issued.refresh_token)
        await session.execute(
            update(RefreshToken).where(RefreshToken.token_hash == digest(token)).values(successor=sealed)
        )
    await session.flush()
    return issued


async def _exchanged_just_now(
    session: WriteSession, token: str, *, since: datetime
) -> tuple[UUID, str] | tuple[None, None]:
    """Return session and successor of a token that was exchanged with grace, unless the successor was used too."""
    used = await session.scalar(
        select(RefreshToken).where(
            RefreshToken.token_hash == digest(token),
            RefreshToken.used_at >= since,
            RefreshToken.successor.is_not(None),
        )
    )
    if used is None or used.successor is None:
        return None, None
    successor = read_successor(token, used.successor)
    unused = select(RefreshToken.id).where(
        RefreshToken.token_hash == digest(successor), RefreshToken.used_at.is_(None)
    )
    if await session.scalar(unused.with_for_update()) is None:
        return None, None
    return used.family_id, successor


async def _member(session: WriteSession, family: RefreshFamily) -> Member | None:
    """Return the membership as it is now, in the client chosen at log-in; None when that is no longer allowed."""
    if family.chosen_org_id is None:
        return None
    member = await member_in(session, family.user_id, family.chosen_org_id)
    if member is None or member.client not in {None, family.chosen_client_id}:
        return None
    return Member(member.org, family.chosen_client_id, member.role, member.scopes)


async def _refused(session: WriteSession, identity: Identity, token: str) -> CaravanError:
    known = await session.scalar(
        select(RefreshFamily)
        .join(RefreshToken, RefreshToken.family_id == RefreshFamily.id)
        .where(RefreshToken.token_hash == digest(token))
    )
    if known is None:
        return RefreshInvalidError()
    ended = await revoke_families(
        session, RefreshFamily.id == known.id, because="reuse", now=identity.clock()
    )
    if ended and known.chosen_org_id is not None:
        caller = Principal(PrincipalKind.USER, known.user_id, known.chosen_org_id, session=known.id)
        await audit.record(session, caller, "identity.refresh_reused", entity="session", entity_id=known.id)
    return RefreshReusedError()
