"""The caller's own sessions: see them, end one, end all others."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from caravan.core.database import AnySession, WriteSession
from caravan.core.principal import NotFoundError, Principal
from caravan.platform.identity.callers import own_user
from caravan.platform.identity.credential_tables import RefreshFamily
from caravan.platform.identity.families import revoke_families

__all__ = ["end_all_sessions", "end_session", "list_sessions"]


async def list_sessions(
    session: AnySession, principal: Principal, *, now: datetime
) -> Sequence[RefreshFamily]:
    """Return the live sessions, the last used first."""
    user = await own_user(session, principal)
    rows = await session.scalars(
        select(RefreshFamily)
        .where(
            RefreshFamily.user_id == user.id,
            RefreshFamily.revoked_at.is_(None),
            RefreshFamily.expires_at > now,
        )
        .order_by(RefreshFamily.last_used_at.desc(), RefreshFamily.id.desc())
    )
    return rows.all()


async def end_session(session: WriteSession, principal: Principal, which: UUID, *, now: datetime) -> None:
    """End one; somebody else's is not found."""
    user = await own_user(session, principal)
    ended = await revoke_families(
        session,
        RefreshFamily.id == which,
        RefreshFamily.user_id == user.id,
        because="ended by its user",
        now=now,
    )
    if not ended:
        raise NotFoundError("There is no such session of yours.")


async def end_all_sessions(
    session: WriteSession, principal: Principal, *, keep_current: bool, now: datetime
) -> int:
    """End all, or all but the one in hand; returns how many."""
    user = await own_user(session, principal)
    which = [RefreshFamily.user_id == user.id]
    if keep_current:
        which.append(RefreshFamily.id != principal.session)
    return len(await revoke_families(session, *which, because="ended by its user", now=now))
