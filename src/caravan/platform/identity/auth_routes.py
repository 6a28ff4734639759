"""/api/v1/auth: what is open to everybody; log-in, refresh, log-out, password reset, and the public keys."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from caravan.core.http import Envelope, SystemWrite, answers_with_secret, api_router, envelope, public
from caravan.core.http.context import current_request
from caravan.core.principal import Principal
from caravan.platform.identity.errors import (
    InvalidCredentialsError,
    LoginLockedError,
    PasswordTooWeakError,
    RefreshExpiredError,
    RefreshInvalidError,
    RefreshReusedError,
    ResetTokenInvalidError,
    TotpCodeInvalidError,
    TotpRequiredError,
)
from caravan.platform.identity.families import Issued, Visitor
from caravan.platform.identity.log_in import LoginRequest, log_in
from caravan.platform.identity.log_out import log_out
from caravan.platform.identity.password_reset import request_password_reset, reset_password
from caravan.platform.identity.refresh import refresh
from caravan.platform.identity.schemas import LoginIn, LogoutIn, RefreshIn, ResetIn, ResetRequestIn, TokensOut
from caravan.platform.identity.wiring import Parts

__all__ = ["router", "well_known"]

router = api_router(
    "auth",
    prefix="/api/v1/auth",
    errors=(
        InvalidCredentialsError,
        LoginLockedError,
        PasswordTooWeakError,
        RefreshExpiredError,
        RefreshInvalidError,
        RefreshReusedError,
        ResetTokenInvalidError,
        TotpCodeInvalidError,
        TotpRequiredError,
    ),
)
well_known: APIRouter = api_router("auth", prefix="/.well-known")


@router.post("/login", operation_id="logIn", dependencies=[public()])
@answers_with_secret
async def login(body: LoginIn, request: Request, identity: Parts) -> Envelope[TokensOut]:
    context = current_request()
    visitor = Visitor(request.headers.get("user-agent"), context.address if context else None)
    return envelope(_tokens(await log_in(identity, LoginRequest(**body.model_dump(), visitor=visitor))))


@router.post("/refresh", operation_id="refresh", dependencies=[public()])
@answers_with_secret
async def refresh_tokens(body: RefreshIn, identity: Parts) -> Envelope[TokensOut]:
    return envelope(_tokens(await refresh(identity, body.refresh_token)))


@router.post("/logout", operation_id="logOut")
async def logout(
    body: LogoutIn, session: SystemWrite, identity: Parts, caller: Principal = public()
) -> Envelope[None]:
    await log_out(session, caller, refresh_token=body.refresh_token, now=identity.clock())
    return envelope(None, "Logged out.")


@router.post("/password-reset", operation_id="requestPasswordReset", status_code=202)
async def request_reset(
    body: ResetRequestIn, session: SystemWrite, caller: Principal = public()
) -> Envelope[None]:
    await request_password_reset(session, caller, identifier=body.identifier, client_code=body.client_code)
    return envelope(None, "If there is such an account, a message is on its way.")


@router.post("/password-reset/confirm", operation_id="resetPassword", dependencies=[public()])
async def confirm_reset(body: ResetIn, identity: Parts) -> Envelope[None]:
    await reset_password(identity, token=body.token, password=body.password)
    return envelope(None, "The password was changed. Log in with it.")


@well_known.get(
    "/jwks.json",
    operation_id="jsonWebKeys",
    dependencies=[public()],
    response_class=JSONResponse,
    responses={200: {"description": "The keys that verify access tokens (RFC 7517)."}},
)
async def json_web_keys(identity: Parts) -> dict[str, Any]:
    return identity.keys.jwks()


def _tokens(issued: Issued) -> TokensOut:
    member = issued.member
    return TokensOut(
        access_token=issued.access_token,
        token_type="Bearer",  # noqa: S106 - the scheme's name
        expires_at=issued.access_expires_at,
        refresh_token=issued.refresh_token,
        refresh_expires_at=issued.refresh_expires_at,
        session_id=issued.session,
        user_id=issued.user.id,
        org_id=member.org if member else None,
        client_id=member.client if member else None,
        scopes=sorted(member.scopes) if member else [],
        must_change_password=issued.user.must_change_password,
    )
