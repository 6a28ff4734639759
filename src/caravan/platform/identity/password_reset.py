"""Password reset: asking tells nothing, the link is made when it is sent, and using it ends every session."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, update

from caravan.core.clock import Clock
from caravan.core.database import AnySession, WriteSession
from caravan.core.outbox import emit
from caravan.core.principal import Principal, PrincipalKind
from caravan.core.protocols import Notifier
from caravan.platform import audit
from caravan.platform.identity.credential_tables import PasswordReset, RefreshFamily
from caravan.platform.identity.errors import ResetTokenInvalidError
from caravan.platform.identity.families import revoke_families
from caravan.platform.identity.lockout import forget_failures, subject_of
from caravan.platform.identity.log_in import find_user, normalised
from caravan.platform.identity.members import choose_member, members_of
from caravan.platform.identity.opaque_tokens import digest, new_token
from caravan.platform.identity.parts import Identity
from caravan.platform.identity.passwords import check_strength
from caravan.platform.identity.revocations import announce
from caravan.platform.identity.tenancy_tables import User

__all__ = [
    "RESET_REQUESTED",
    "check_reset_token",
    "replace_password",
    "request_password_reset",
    "reset_password",
    "send_password_reset",
]

RESET_REQUESTED: Final = "identity.password_reset_requested"


async def request_password_reset(
    session: WriteSession, principal: Principal, *, identifier: str, client_code: str | None = None
) -> None:
    """Note the wish. Whether such a user exists is looked up in the background, so the answer cannot tell."""
    payload = {"identifier": normalised(identifier), "client_code": client_code}
    await emit(session, RESET_REQUESTED, payload, principal=principal)


async def send_password_reset(
    session: WriteSession,
    payload: Mapping[str, Any],
    *,
    notifier: Notifier,
    idempotency_key: str,
    page: str,
    lifetime: timedelta,
    clock: Clock,
) -> None:
    """Make a token for the user who was meant, if there is one, and send it; earlier tokens end.

    It is made here and not with the request, so that the outbox never holds it. ``page`` is the address that takes it as
    ``?token=``. Needs a session that sees every tenant.
    """
    user = await find_user(session, str(payload["identifier"]))
    if user is None or user.disabled_at is not None:
        return
    allowed, _ = await choose_member(session, user.id, org=None, client_code=payload.get("client_code"))
    if not allowed:
        return
    token = new_token()
    await session.execute(delete(PasswordReset).where(PasswordReset.user_id == user.id))
    session.add(PasswordReset(user_id=user.id, token_hash=digest(token), expires_at=clock() + lifetime))
    await session.flush()
    minutes = int(lifetime.total_seconds()) // 60
    variables = {
        "name": user.display_name,
        "url": f"{page}?token={token}",
        "minutes": minutes,
        "locale": user.locale,
    }
    await notifier.send(
        channel="email",
        to=user.email,
        template="password_reset",
        variables=variables,
        idempotency_key=idempotency_key,
    )


async def check_reset_token(identity: Identity, token: str) -> None:
    """Raise ``ResetTokenInvalidError`` unless the token can still be used; it is not used up."""
    async with identity.system.read() as session:
        await _owner(session, identity, token)


async def reset_password(identity: Identity, *, token: str, password: str) -> None:
    """Set a new password with a token that was sent; ends every session and every lock-out of its user.

    Raises:
        ResetTokenInvalidError: unknown, used, replaced or expired.
        PasswordTooWeakError: the token stays good for another try.
    """
    async with identity.system.read() as session:
        user = await session.get_one(User, await _owner(session, identity, token))
    check_strength(password, user.email, user.username)
    hashed = await identity.passwords.hash(password)
    now = identity.clock()
    async with identity.system.write() as writing:
        used = (
            update(PasswordReset)
            .where(
                PasswordReset.token_hash == digest(token),
                PasswordReset.used_at.is_(None),
                PasswordReset.expires_at > now,
            )
            .values(used_at=now)
            .returning(PasswordReset.user_id)
        )
        if await writing.scalar(used) is None:
            raise ResetTokenInvalidError
        caller = Principal(PrincipalKind.USER, user.id)
        await replace_password(writing, caller, user.id, hashed, now=now, must_change=False)


async def replace_password(
    session: WriteSession,
    caller: Principal,
    which: UUID,
    hashed: str,
    *,
    now: datetime,
    must_change: bool,
) -> None:
    """Set a password hash, end every session and lock-out of its user, and tell all their organisations' audits."""
    user = await session.get_one(User, which, with_for_update=True)
    user.password_hash, user.password_changed_at, user.must_change_password = hashed, now, must_change
    await revoke_families(session, RefreshFamily.user_id == which, because="password reset", now=now)
    await announce(session, which)
    names = [subject_of(name) for name in (user.email, user.username) if name]
    await forget_failures(session, *names)
    for member in await members_of(session, which):
        inside = caller.within(org=member.org, client=None, project=None)
        await audit.record(session, inside, "identity.password_reset", entity="user", entity_id=which)


async def _owner(session: AnySession, identity: Identity, token: str) -> UUID:
    owner = await session.scalar(
        select(PasswordReset.user_id).where(
            PasswordReset.token_hash == digest(token),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > identity.clock(),
        )
    )
    if owner is None:
        raise ResetTokenInvalidError
    return owner
