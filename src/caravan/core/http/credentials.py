"""Who sent this request: the credential is checked once, then remembered by its hash until it expires or is revoked."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Final
from uuid import UUID

from caravan.core.clock import Clock, utc_now
from caravan.core.errors import CaravanError
from caravan.core.principal import ANONYMOUS, Principal, UnauthenticatedError
from caravan.core.protocols import Authenticator, TenancyRequest

__all__ = ["SESSION_COOKIE", "Credentials"]

SESSION_COOKIE: Final = "session"
_REMEMBERED: Final = 10_000
_ORG_HEADER: Final = b"x-caravan-org"
_CLIENT_HEADER: Final = b"x-caravan-client"
_PROJECT_HEADER: Final = b"x-caravan-project"


class Credentials:
    """Turns headers into a principal. A remembered check costs one hash and one look-up."""

    def __init__(self, authenticator: Authenticator, *, clock: Clock = utc_now) -> None:
        self._authenticator = authenticator
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[Principal, datetime]] = OrderedDict()
        self._revocations = 0

    async def caller(
        self, headers: Mapping[bytes, bytes], *, remember: bool = True
    ) -> Principal | CaravanError:
        """Return the caller, or the error that its credential deserves; public routes ignore the latter."""
        authorization = headers.get(b"authorization")
        cookies = headers.get(b"cookie", b"")
        if authorization is None and SESSION_COOKIE.encode() not in cookies:
            return ANONYMOUS
        tenancy = b"\0".join(
            headers.get(name, b"") for name in (_ORG_HEADER, _CLIENT_HEADER, _PROJECT_HEADER)
        )
        digest = hashlib.sha256(b"%b\0%b\0%b" % (authorization or b"", cookies, tenancy)).digest()
        known = self._known.get(digest)
        if known is not None and known[1] > self._clock():
            return known[0]
        return await self._check(digest if remember else None, authorization, cookies, headers)

    def revoke(self, reference: UUID) -> None:
        """Forget every remembered check of a session, key or user."""
        self._revocations += 1
        stale = [key for key, (caller, _) in self._known.items() if reference in {caller.session, caller.id}]
        for key in stale:
            del self._known[key]

    def forget_all(self) -> None:
        """Forget everything: after the line that carries revocations was broken."""
        self._revocations += 1
        self._known.clear()

    async def _check(
        self,
        digest: bytes | None,
        authorization: bytes | None,
        cookies: bytes,
        headers: Mapping[bytes, bytes],
    ) -> Principal | CaravanError:
        try:
            jar = SimpleCookie(cookies.decode("latin-1"))
        except CookieError:
            jar = SimpleCookie()
        before = self._revocations
        morsels = {name: morsel.value for name, morsel in jar.items()}
        try:
            credential = (
                _bearer(authorization) if authorization is not None else morsels.get(SESSION_COOKIE, "")
            )
            if not credential:
                return ANONYMOUS
            checked = await self._authenticator.authenticate(credential, _tenancy(headers, morsels))
        except CaravanError as error:
            return error
        if digest is None or before != self._revocations or checked.principal.must_change_password:
            # Something was revoked while we asked, or will be other as soon as the password is: ask again next time.
            return checked.principal
        self._known[digest] = (checked.principal, checked.valid_until)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return checked.principal


def _bearer(authorization: bytes) -> str:
    scheme, _, credential = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise UnauthenticatedError("The Authorization header must read `Bearer <token>`.")
    return credential.strip()


def _tenancy(headers: Mapping[bytes, bytes], cookies: Mapping[str, str]) -> TenancyRequest:
    """Read declared headers first, then the cookies that the portal's header filters set."""

    def chosen(header: bytes, cookie: str) -> str | None:
        declared = headers.get(header)
        return (declared.decode("latin-1") if declared is not None else cookies.get(cookie)) or None

    return TenancyRequest(
        org=chosen(_ORG_HEADER, "orgFilter"),
        client=chosen(_CLIENT_HEADER, "clientFilter"),
        project=chosen(_PROJECT_HEADER, "projectCode"),
    )
