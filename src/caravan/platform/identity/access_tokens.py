"""Access tokens: RFC 9068-style JWTs signed with Ed25519, good for minutes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import jwt

from caravan.core.clock import Clock, utc_now
from caravan.core.ids import uuid7
from caravan.platform.identity.errors import TokenExpiredError, TokenInvalidError, TokenMalformedError
from caravan.platform.identity.signing_keys import SigningKeys

__all__ = ["AUDIENCE", "LEEWAY", "AccessClaims", "AccessTokens"]

AUDIENCE: Final = "caravan"
LEEWAY: Final = timedelta(seconds=10)
_TYPE: Final = "at+jwt"
_ALGORITHMS: Final = ["EdDSA"]
_MAX_LENGTH: Final = 8192
_REQUIRED: Final = ["iss", "aud", "sub", "sid", "scopes", "iat", "exp", "jti"]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a token says: user, session, the chosen organisation, client and project, scopes, and its end."""

    user: UUID
    session: UUID
    org: UUID | None
    client: UUID | None
    project: UUID | None
    scopes: frozenset[str]
    expires_at: datetime


class AccessTokens:
    """Issues and verifies the tokens of one installation, which ``issuer`` (its address) names."""

    def __init__(
        self, keys: SigningKeys, *, issuer: str, lifetime: timedelta, clock: Clock = utc_now
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._lifetime = lifetime
        self._clock = clock

    def issue(
        self,
        *,
        user: UUID,
        session: UUID,
        org: UUID | None = None,
        client: UUID | None = None,
        project: UUID | None = None,
        scopes: frozenset[str] = frozenset(),
    ) -> tuple[str, datetime]:
        """Return a signed token and the moment it expires."""
        now = self._clock().replace(microsecond=0)
        expires = now + self._lifetime
        tenancy = {"org": org, "client": client, "project": project}
        payload = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(user),
            "sid": str(session),
            **{name: str(value) for name, value in tenancy.items() if value is not None},
            "scopes": sorted(scopes),
            "iat": now,
            "exp": expires,
            "jti": str(uuid7()),
        }
        key = self._keys.active()
        headers = {"kid": key.kid, "typ": _TYPE}
        return jwt.encode(payload, key.private, algorithm="EdDSA", headers=headers), expires

    def verify(self, token: str) -> AccessClaims:
        """Return the claims of a token of ours.

        Raises:
            TokenMalformedError: it cannot be read at all.
            TokenExpiredError: it was valid once.
            TokenInvalidError: another issuer, audience, key, algorithm or type, or issued in the future.
        """
        payload = self._decode(token)
        try:
            claims = _claims(payload)
            issued = datetime.fromtimestamp(payload["iat"], UTC)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError, OSError):
            raise TokenInvalidError("The token's claims are not those of an access token.") from None
        now = self._clock()
        if issued > now + LEEWAY:
            raise TokenInvalidError("The token was issued in the future.")
        if claims.expires_at + LEEWAY <= now:
            raise TokenExpiredError(f"The token expired at {claims.expires_at:%Y-%m-%d %H:%M:%S} UTC.")
        return claims

    def _decode(self, token: str) -> Mapping[str, Any]:
        if len(token) > _MAX_LENGTH:
            raise TokenMalformedError("The token is too long.")
        try:
            header = jwt.get_unverified_header(token)
            kid = header.get("kid")
            key = self._keys.find(kid) if isinstance(kid, str) and header.get("typ") == _TYPE else None
            if key is None:
                raise TokenInvalidError("The token was not signed here.")
            # The times are checked by `verify` against our clock.
            return jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=AUDIENCE,
                issuer=self._issuer,
                options={
                    "require": _REQUIRED,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidSignatureError:
            raise TokenInvalidError("The token's signature is wrong.") from None
        except jwt.DecodeError:
            raise TokenMalformedError("The token is not a JWT.") from None
        except jwt.InvalidTokenError as error:
            raise TokenInvalidError(f"The token is not accepted: {error}.") from None


def _claims(payload: Mapping[str, Any]) -> AccessClaims:
    def optional(name: str) -> UUID | None:
        return UUID(payload[name]) if name in payload else None

    return AccessClaims(
        user=UUID(payload["sub"]),
        session=UUID(payload["sid"]),
        org=optional("org"),
        client=optional("client"),
        project=optional("project"),
        scopes=frozenset(payload["scopes"]),
        expires_at=datetime.fromtimestamp(payload["exp"], UTC),
    )
