"""A person changes their own password."""

from sqlalchemy import true

from caravan.core.database import WriteSession
from caravan.core.principal import Principal
from caravan.platform import audit
from caravan.platform.identity.callers import own_user
from caravan.platform.identity.credential_tables import RefreshFamily
from caravan.platform.identity.errors import InvalidCredentialsError
from caravan.platform.identity.families import revoke_families
from caravan.platform.identity.parts import Identity
from caravan.platform.identity.passwords import check_strength

__all__ = ["change_password"]


async def change_password(
    session: WriteSession, identity: Identity, principal: Principal, *, current: str, new: str
) -> None:
    """Replace the password and end all other sessions.

    Raises:
        InvalidCredentialsError: the current password is wrong.
        PasswordTooWeakError: the new one may not be chosen, or is the same.
    """
    user = await own_user(session, principal, lock=True)
    check_strength(new, user.email, user.username, current)
    verdict = await identity.passwords.verify(current, user.password_hash)
    if not verdict.right:
        raise InvalidCredentialsError("The current password is wrong.")
    now = identity.clock()
    user.password_hash = await identity.passwords.hash(new)
    user.password_changed_at, user.must_change_password = now, False
    current_session = principal.session
    others = RefreshFamily.id != current_session if current_session is not None else true()
    await revoke_families(
        session, RefreshFamily.user_id == user.id, others, because="password changed", now=now
    )
    await audit.record(session, principal, "identity.password_changed", entity="user", entity_id=user.id)
