"""Who is behind a credential: an access token, an API key or, while it is allowed, a token of the portal."""

import hmac
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select, update

from caravan.core.database import AnySession
from caravan.core.principal import NotFoundError, Principal, PrincipalKind
from caravan.core.protocols import Authenticated, TenancyRequest
from caravan.platform.identity.access_tokens import AccessClaims
from caravan.platform.identity.credential_tables import ApiKey, RefreshFamily
from caravan.platform.identity.errors import ApiKeyInvalidError, TokenInvalidError, TokenMalformedError
from caravan.platform.identity.members import Member, member_in
from caravan.platform.identity.opaque_tokens import digest, parse_api_key
from caravan.platform.identity.parts import Identity
from caravan.platform.identity.places import (
    Place,
    choose_place,
    find_client,
    find_organisation,
    organisation_of_client_code,
)
from caravan.platform.identity.portal_tokens import PortalCaller, PortalTokens
from caravan.platform.identity.roles import PERMISSIONS
from caravan.platform.identity.tenancy_tables import User

__all__ = ["REVIEW_AFTER", "IdentityAuthenticator"]

REVIEW_AFTER: Final = timedelta(seconds=60)
"""For how long a check may be remembered where no revocation was heard: the line that carries them may be broken."""


class IdentityAuthenticator:
    """Implements ``caravan.core.protocols.Authenticator``. It reads as the system, since no tenant is known yet."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def authenticate(self, credential: str, tenancy: TenancyRequest) -> Authenticated:
        """Return the caller with what its membership allows now.

        Organisation, client and project come from the credential, else from what the request names.

        Raises:
            TokenMalformedError, TokenExpiredError, TokenInvalidError, ApiKeyInvalidError: the credential is no good.
            NotFoundError: the request names an organisation, client or project that is not the caller's.
        """
        if credential.startswith("crv_"):
            return await self._api_key(credential, tenancy)
        portal = self._identity.portal
        if portal is not None and credential.count(".") == 1:
            return await self._portal(portal, credential, tenancy)
        return await self._access_token(self._identity.tokens.verify(credential), tenancy)

    async def _access_token(self, claims: AccessClaims, tenancy: TenancyRequest) -> Authenticated:
        async with self._identity.system.read() as session:
            user = await _live_user(session, claims)
            bound, member = await _bound_place(session, claims, tenancy)
            place = await choose_place(session, bound, tenancy) if bound else None
        principal = Principal(
            PrincipalKind.USER,
            user.id,
            org=place.org if place else None,
            client=place.client if place else None,
            project=place.project if place else None,
            scopes=member.scopes if member else frozenset(),
            locale=user.locale,
            name=user.display_name,
            session=claims.session,
            must_change_password=user.must_change_password,
        )
        return self._authenticated(principal, claims.expires_at)

    async def _api_key(self, credential: str, tenancy: TenancyRequest) -> Authenticated:
        text = parse_api_key(credential)
        if text is None:
            raise TokenMalformedError("The API key is not complete.")
        now = self._identity.clock()
        async with self._identity.system.write() as session:
            key = await session.scalar(select(ApiKey).where(ApiKey.prefix == text.prefix))
            expected = key.secret_hash if key is not None else digest("")
            right = hmac.compare_digest(expected, digest(text.secret))
            if key is None or not right or key.revoked_at is not None or _over(key.expires_at, now):
                raise ApiKeyInvalidError("The API key is unknown, revoked or expired.")
            place = await choose_place(session, Place(key.org_id, key.client_id), tenancy)
            await session.execute(
                update(ApiKey)
                .where(ApiKey.org_id == key.org_id, ApiKey.id == key.id)
                .where(or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now - REVIEW_AFTER / 2))
                .values(last_used_at=now)
            )
        principal = Principal(
            PrincipalKind.API_KEY,
            key.id,
            org=place.org,
            client=place.client,
            project=place.project,
            scopes=PERMISSIONS & frozenset(key.scopes),
            name=key.name,
        )
        return self._authenticated(principal, key.expires_at)

    async def _portal(self, portal: PortalTokens, credential: str, tenancy: TenancyRequest) -> Authenticated:
        caller = portal.verify(credential)
        async with self._identity.system.read() as session:
            bound = await _portal_place(session, caller)
            place = await choose_place(session, bound, tenancy) if bound else None
        principal = Principal(
            PrincipalKind.USER,
            caller.user,
            org=place.org if place else None,
            client=place.client if place else None,
            project=place.project if place else None,
            scopes=caller.scopes,
            name=caller.name,
        )
        return self._authenticated(principal, caller.expires_at)

    def _authenticated(self, principal: Principal, expires_at: datetime | None) -> Authenticated:
        review = self._identity.clock() + REVIEW_AFTER
        return Authenticated(principal, min(review, expires_at) if expires_at else review)


async def _live_user(session: AnySession, claims: AccessClaims) -> User:
    user = await session.scalar(
        select(User)
        .join(RefreshFamily, RefreshFamily.user_id == User.id)
        .where(
            RefreshFamily.id == claims.session,
            RefreshFamily.revoked_at.is_(None),
            User.id == claims.user,
            User.disabled_at.is_(None),
        )
    )
    if user is None:
        raise TokenInvalidError("The session of this token has ended.")
    return user


async def _bound_place(
    session: AnySession, claims: AccessClaims, tenancy: TenancyRequest
) -> tuple[Place | None, Member | None]:
    """Return where the token holds; a token without organisation holds where the request says and its user is member."""
    org = claims.org
    if org is None and tenancy.org is not None:
        org = await find_organisation(session, tenancy.org)
        if org is None:
            raise NotFoundError("There is no such organisation for you.")
    if org is None:
        return None, None
    member = await member_in(session, claims.user, org)
    if member is None and claims.org is None:
        raise NotFoundError("There is no such organisation for you.")
    if member is None or (claims.org is not None and member.client not in {None, claims.client}):
        raise TokenInvalidError("You are no longer a member where this token was given.")
    return Place(org, claims.client or member.client, claims.project), member


async def _portal_place(session: AnySession, caller: PortalCaller) -> Place | None:
    """Return where a portal token holds: old ones name the organisation by the code of one of its clients (R-02)."""
    if caller.org is None:
        return None
    place: Place | None = None
    if (org := await find_organisation(session, caller.org)) is not None:
        place = Place(org)
    elif (found := await organisation_of_client_code(session, caller.org)) is not None:
        place = found
    if place is None:
        raise NotFoundError("The organisation of this token is not here.")
    if caller.client is None:
        return place
    client = await find_client(session, place.org, caller.client)
    if client is None or place.client not in {None, client}:
        raise NotFoundError("The client of this token is not here.")
    return Place(place.org, client)


def _over(expires_at: datetime | None, now: datetime) -> bool:
    return expires_at is not None and expires_at <= now
