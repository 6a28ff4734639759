"""What callers do about themselves: who am I, sessions, password, one-time codes.

These run as the system, for a person may have chosen no organisation yet; every use case acts on the caller's own row.
"""

from uuid import UUID

from caravan.core.http import (
    Envelope,
    SystemRead,
    SystemWrite,
    answers_with_secret,
    api_router,
    envelope,
    guard,
)
from caravan.core.principal import Principal
from caravan.platform.identity.change_password import change_password
from caravan.platform.identity.credential_tables import RefreshFamily
from caravan.platform.identity.errors import (
    InvalidCredentialsError,
    PasswordTooWeakError,
    TotpCodeInvalidError,
    TotpNotSetUpError,
)
from caravan.platform.identity.schemas import (
    EndSessionsOut,
    MeOut,
    PasswordChangeIn,
    RecoveryCodesOut,
    SessionOut,
    TotpCodeIn,
    TotpSetupOut,
)
from caravan.platform.identity.sessions import end_all_sessions, end_session, list_sessions
from caravan.platform.identity.totp import disable_totp, enable_totp, set_up_totp
from caravan.platform.identity.wiring import Parts

__all__ = ["me", "router"]

me = api_router("account", prefix="/api/v1/me", errors=(InvalidCredentialsError, PasswordTooWeakError))
router = api_router("account", prefix="/api/v1/auth", errors=(TotpCodeInvalidError, TotpNotSetUpError))


@me.get("", operation_id="whoAmI")
async def who_am_i(caller: Principal = guard(given_password_will_do=True)) -> Envelope[MeOut]:
    return envelope(
        MeOut(
            kind=caller.kind,
            id=caller.id,
            name=caller.name,
            org_id=caller.org,
            client_id=caller.client,
            project_id=caller.project,
            scopes=sorted(caller.scopes),
            locale=caller.locale,
            session_id=caller.session,
            must_change_password=caller.must_change_password,
        )
    )


@me.post("/password", operation_id="changePassword")
async def change_own_password(
    body: PasswordChangeIn,
    session: SystemWrite,
    identity: Parts,
    caller: Principal = guard(given_password_will_do=True),
) -> Envelope[None]:
    await change_password(session, identity, caller, current=body.current, new=body.new)
    return envelope(None, "The password was changed; other sessions were ended.")


@router.get("/sessions", operation_id="listSessions")
async def own_sessions(
    session: SystemRead, identity: Parts, caller: Principal = guard()
) -> Envelope[list[SessionOut]]:
    rows = await list_sessions(session, caller, now=identity.clock())
    return envelope([_session(row, caller) for row in rows])


@router.delete("/sessions", operation_id="endSessions")
async def end_own_sessions(
    session: SystemWrite, identity: Parts, *, keep_current: bool = True, caller: Principal = guard()
) -> Envelope[EndSessionsOut]:
    ended = await end_all_sessions(session, caller, keep_current=keep_current, now=identity.clock())
    return envelope(EndSessionsOut(ended=ended))


@router.delete("/sessions/{session_id}", operation_id="endSession")
async def end_own_session(
    session_id: UUID, session: SystemWrite, identity: Parts, caller: Principal = guard()
) -> Envelope[None]:
    await end_session(session, caller, session_id, now=identity.clock())
    return envelope(None, "The session was ended.")


@router.post("/totp/setup", operation_id="setUpTotp")
@answers_with_secret
async def totp_setup(
    session: SystemWrite, identity: Parts, caller: Principal = guard()
) -> Envelope[TotpSetupOut]:
    return envelope(TotpSetupOut.model_validate(await set_up_totp(session, identity, caller)))


@router.post("/totp/enable", operation_id="enableTotp")
@answers_with_secret
async def totp_enable(
    body: TotpCodeIn, session: SystemWrite, identity: Parts, caller: Principal = guard()
) -> Envelope[RecoveryCodesOut]:
    codes = await enable_totp(session, identity, caller, body.code)
    return envelope(RecoveryCodesOut(recovery_codes=codes), "Keep these codes; they are not shown again.")


@router.post("/totp/disable", operation_id="disableTotp")
async def totp_disable(
    body: TotpCodeIn, session: SystemWrite, identity: Parts, caller: Principal = guard()
) -> Envelope[None]:
    await disable_totp(session, identity, caller, body.code)
    return envelope(None, "One-time codes are off.")


def _session(row: RefreshFamily, caller: Principal) -> SessionOut:
    return SessionOut(
        id=row.id,
        user_agent=row.user_agent,
        address=row.address,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        current=row.id == caller.session,
    )
