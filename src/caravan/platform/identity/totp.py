"""Second factor: set up, switch on with a first code, use, switch off. The caller's own, never somebody's by id."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, update

from caravan.core.database import WriteSession
from caravan.core.principal import Principal
from caravan.platform import audit
from caravan.platform.identity.callers import own_user
from caravan.platform.identity.credential_tables import RecoveryCode
from caravan.platform.identity.errors import TotpCodeInvalidError, TotpNotSetUpError
from caravan.platform.identity.parts import Identity
from caravan.platform.identity.tenancy_tables import User
from caravan.platform.identity.totp_codes import (
    matching_step,
    new_recovery_codes,
    new_secret,
    provisioning_uri,
    recovery_digest,
)

__all__ = ["TotpSetup", "accept_code", "disable_totp", "enable_totp", "set_up_totp"]


@dataclass(frozen=True, slots=True)
class TotpSetup:
    """What an authenticator app needs, as text and as the address in a QR code."""

    secret: str
    uri: str


async def set_up_totp(session: WriteSession, identity: Identity, principal: Principal) -> TotpSetup:
    """Make a secret; nothing asks for codes until one was shown to work. A second call replaces the first's secret."""
    user = await own_user(session, principal, lock=True)
    if user.totp_enabled_at is not None:
        raise TotpCodeInvalidError("One-time codes are on. Switch them off with a code first.")
    secret = new_secret()
    user.totp_secret = identity.sealer.seal(secret.encode(), purpose=_purpose(user.id))
    return TotpSetup(secret, provisioning_uri(secret, account=user.email))


async def enable_totp(
    session: WriteSession, identity: Identity, principal: Principal, code: str
) -> list[str]:
    """Ask for codes from now on; returns the recovery codes, which are shown once."""
    user = await own_user(session, principal, lock=True)
    if user.totp_secret is None or user.totp_enabled_at is not None:
        raise TotpNotSetUpError("There is nothing to switch on.")
    if not await _use_step(session, identity, user, code):
        raise TotpCodeInvalidError
    user.totp_enabled_at = identity.clock()
    codes = new_recovery_codes()
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    session.add_all(RecoveryCode(user_id=user.id, code_hash=recovery_digest(code)) for code in codes)
    await audit.record(session, principal, "identity.totp_enabled", entity="user", entity_id=user.id)
    return codes


async def disable_totp(session: WriteSession, identity: Identity, principal: Principal, code: str) -> None:
    """Ask for no codes any more; needs a last one, or a recovery code."""
    user = await own_user(session, principal, lock=True)
    if user.totp_enabled_at is None:
        raise TotpNotSetUpError("One-time codes are not on.")
    await accept_code(session, identity, user, code)
    user.totp_secret, user.totp_enabled_at = None, None
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    await audit.record(session, principal, "identity.totp_disabled", entity="user", entity_id=user.id)


async def accept_code(session: WriteSession, identity: Identity, user: User, code: str) -> None:
    """Use up a one-time or recovery code; raises ``TotpCodeInvalidError``, also for one that was used before."""
    if await _use_step(session, identity, user, code):
        return
    used = (
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user.id,
            RecoveryCode.code_hash == recovery_digest(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=identity.clock())
        .returning(RecoveryCode.id)
    )
    if await session.scalar(used) is None:
        raise TotpCodeInvalidError


async def _use_step(session: WriteSession, identity: Identity, user: User, code: str) -> bool:
    if user.totp_secret is None:
        return False
    secret = identity.sealer.unseal(user.totp_secret, purpose=_purpose(user.id)).decode()
    step = matching_step(secret, code, now=identity.clock(), after=user.totp_last_step)
    if step is None:
        return False
    used = (
        update(User)
        .where(User.id == user.id, User.totp_last_step < step)
        .values(totp_last_step=step)
        .returning(User.id)
    )
    return await session.scalar(used) is not None


def _purpose(user: UUID) -> str:
    return f"totp:{user}"
