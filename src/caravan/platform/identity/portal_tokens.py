"""The portal's own two-part token, accepted during a migration when its secret is set, and never without an age limit.

``base64url(JSON) "." base64url(HMAC-SHA256(secret, first part))``, no padding, no header part, no ``exp``.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from caravan.core.clock import Clock, utc_now
from caravan.core.ids import CARAVAN
from caravan.platform.identity.access_tokens import LEEWAY
from caravan.platform.identity.errors import TokenExpiredError, TokenInvalidError, TokenMalformedError
from caravan.platform.identity.roles import portal_scopes

__all__ = ["PortalCaller", "PortalTokens"]

_PARTS: Final = 2
_MAX_LENGTH: Final = 8192


@dataclass(frozen=True, slots=True)
class PortalCaller:
    """What the portal says of its caller. ``org`` is an id, or a code of an organisation or (in old tokens) client."""

    user: UUID
    name: str
    org: str | None
    client: str | None
    scopes: frozenset[str]
    expires_at: datetime


class PortalTokens:
    """Verifies with the portal's ``AUTH_SECRET``; the age counts from ``iat``."""

    def __init__(self, secret: bytes, *, max_age: timedelta, clock: Clock = utc_now) -> None:
        self._secret = secret
        self._max_age = max_age
        self._clock = clock

    def verify(self, token: str) -> PortalCaller:
        """Return the caller; raises ``TokenMalformedError``, ``TokenInvalidError`` or ``TokenExpiredError``."""
        parts = token.split(".")
        if len(parts) != _PARTS or len(token) > _MAX_LENGTH or not token.isascii():
            raise TokenMalformedError("The token does not have the portal's two parts.")
        expected = hmac.new(self._secret, parts[0].encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(_encode(expected), parts[1].encode()):
            raise TokenInvalidError("The token's signature is wrong.")
        claims = _decode(parts[0])
        return self._caller(claims, self._issued(claims))

    def _issued(self, claims: Mapping[str, Any]) -> datetime:
        seconds = claims.get("iat")
        if not isinstance(seconds, int) or isinstance(seconds, bool):
            raise TokenInvalidError("The token does not say when it was issued.")
        try:
            issued = datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            raise TokenInvalidError("The token's time of issue is out of range.") from None
        now = self._clock()
        if issued > now + LEEWAY:
            raise TokenInvalidError("The token was issued in the future.")
        if issued + self._max_age <= now:
            raise TokenExpiredError("The token is older than this installation accepts.")
        return issued

    def _caller(self, claims: Mapping[str, Any], issued: datetime) -> PortalCaller:
        user = claims.get("userId")
        if not isinstance(user, str | int) or isinstance(user, bool) or user == "":
            raise TokenInvalidError("The token does not name its user.")
        return PortalCaller(
            user=_user_id(str(user)),
            name=_text(claims.get("email")) or "",
            org=_text(claims.get("orgUUID")) or _text(claims.get("orgId")),
            client=_text(claims.get("clientId")) or _text(claims.get("clientCode")),
            scopes=portal_scopes(_texts(claims.get("roles")), _texts(claims.get("perms"))),
            expires_at=issued + self._max_age,
        )


def _decode(part: str) -> Mapping[str, Any]:
    try:
        claims = json.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise TokenMalformedError("The token's first part is not JSON.") from None
    if not isinstance(claims, dict):
        raise TokenMalformedError("The token's first part is not a JSON object.")
    return claims


def _encode(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _user_id(text: str) -> UUID:
    """Return the id of a user of the portal; one that is no UUID becomes one, always the same."""
    try:
        return UUID(text)
    except ValueError:
        return uuid5(CARAVAN, f"portal-user:{text}")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
