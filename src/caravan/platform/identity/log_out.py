"""Log-out: by the session of the access token, or by the refresh token when that is all that is left."""

from datetime import datetime

from sqlalchemy import select

from caravan.core.database import WriteSession
from caravan.core.principal import Principal
from caravan.platform.identity.credential_tables import RefreshFamily, RefreshToken
from caravan.platform.identity.families import revoke_families
from caravan.platform.identity.opaque_tokens import digest

__all__ = ["log_out"]


async def log_out(
    session: WriteSession, principal: Principal, *, refresh_token: str | None, now: datetime
) -> None:
    """End the caller's session and that of the refresh token; nothing to end is no error."""
    if principal.session is not None:
        await revoke_families(session, RefreshFamily.id == principal.session, because="log-out", now=now)
    if refresh_token is not None:
        family = select(RefreshToken.family_id).where(RefreshToken.token_hash == digest(refresh_token))
        await revoke_families(session, RefreshFamily.id.in_(family), because="log-out", now=now)
