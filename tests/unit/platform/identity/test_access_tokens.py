"""Access tokens: ours verify, and every other is refused with a code that says why."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from caravan.platform.identity.access_tokens import AccessTokens
from caravan.platform.identity.errors import TokenExpiredError, TokenInvalidError, TokenMalformedError
from caravan.platform.identity.signing_keys import SigningKeys

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LIFETIME = timedelta(minutes=15)
ISSUER = "http://caravan.test"
USER, SESSION, ORG, CLIENT, PROJECT = (uuid4() for _ in range(5))


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    return SigningKeys.open(tmp_path, token_lifetime=LIFETIME, may_create=True, clock=lambda: NOW)


def at(keys: SigningKeys, moment: datetime, issuer: str = ISSUER) -> AccessTokens:
    return AccessTokens(keys, issuer=issuer, lifetime=LIFETIME, clock=lambda: moment)


def signed(keys: SigningKeys, *, headers: dict[str, Any] | None = None, **changes: object) -> str:
    """A token of ours with some claims changed; a claim that is ... is left out."""
    seconds = int(NOW.timestamp())
    payload = {
        "iss": ISSUER,
        "aud": "caravan",
        "sub": str(USER),
        "sid": str(SESSION),
        "scopes": [],
        "iat": seconds,
        "exp": seconds + 900,
        "jti": "one",
    } | changes
    key = keys.active()
    return jwt.encode(
        {name: value for name, value in payload.items() if value is not ...},
        key.private,
        algorithm="EdDSA",
        headers={"kid": key.kid, "typ": "at+jwt"} | (headers or {}),
    )


def test_a_token_says_what_was_put_in(keys: SigningKeys) -> None:
    tokens = at(keys, NOW)
    scopes = frozenset({"admin", "search"})
    token, expires = tokens.issue(
        user=USER, session=SESSION, org=ORG, client=CLIENT, project=PROJECT, scopes=scopes
    )
    claims = tokens.verify(token)
    assert (claims.user, claims.session) == (USER, SESSION)
    assert (claims.org, claims.client, claims.project) == (ORG, CLIENT, PROJECT)
    assert claims.scopes == scopes
    assert claims.expires_at == expires == NOW + LIFETIME


def test_what_was_not_chosen_is_absent(keys: SigningKeys) -> None:
    tokens = at(keys, NOW)
    token, _ = tokens.issue(user=USER, session=SESSION)
    claims = tokens.verify(token)
    assert (claims.org, claims.client, claims.project) == (None, None, None)


def test_any_verifier_can_use_the_published_keys(keys: SigningKeys) -> None:
    token, _ = at(keys, datetime.now(UTC)).issue(user=USER, session=SESSION)
    published = jwt.PyJWKSet.from_dict(keys.jwks())
    key = published[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["EdDSA"], audience="caravan")["sub"] == str(USER)


def test_a_token_lives_until_its_end_and_ten_seconds(keys: SigningKeys) -> None:
    token, expires = at(keys, NOW).issue(user=USER, session=SESSION)
    assert at(keys, expires + timedelta(seconds=9)).verify(token).user == USER
    with pytest.raises(TokenExpiredError):
        at(keys, expires + timedelta(seconds=10)).verify(token)


def test_a_clock_ten_seconds_behind_is_forgiven_and_no_more(keys: SigningKeys) -> None:
    token, _ = at(keys, NOW).issue(user=USER, session=SESSION)
    assert at(keys, NOW - timedelta(seconds=10)).verify(token).user == USER
    with pytest.raises(TokenInvalidError, match="future"):
        at(keys, NOW - timedelta(seconds=11)).verify(token)


def test_a_token_of_another_installation_is_refused(keys: SigningKeys) -> None:
    token, _ = at(keys, NOW, "http://elsewhere.test").issue(user=USER, session=SESSION)
    with pytest.raises(TokenInvalidError):
        at(keys, NOW).verify(token)


def test_a_token_of_an_unknown_key_is_refused(keys: SigningKeys, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    others = SigningKeys.open(folder, token_lifetime=LIFETIME, may_create=True, clock=lambda: NOW)
    token, _ = at(others, NOW).issue(user=USER, session=SESSION)
    with pytest.raises(TokenInvalidError):
        at(keys, NOW).verify(token)


def test_a_token_that_lies_about_its_key_is_refused(keys: SigningKeys) -> None:
    stranger = Ed25519PrivateKey.generate()
    token = jwt.encode(
        {"sub": str(USER)},
        stranger,
        algorithm="EdDSA",
        headers={"kid": keys.active().kid, "typ": "at+jwt"},
    )
    with pytest.raises(TokenInvalidError, match="signature"):
        at(keys, NOW).verify(token)


def test_a_changed_payload_breaks_the_signature(keys: SigningKeys) -> None:
    head, body, signature = signed(keys).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"sub": str(uuid4())}).encode()).rstrip(b"=")
    with pytest.raises(TokenInvalidError):
        at(keys, NOW).verify(f"{head}.{forged.decode()}.{signature}")


def test_no_algorithm_and_another_algorithm_are_refused(keys: SigningKeys) -> None:
    headers = {"kid": keys.active().kid, "typ": "at+jwt"}
    claims = {"sub": str(USER)}
    unsigned = jwt.encode(claims, None, algorithm="none", headers=headers)
    public = keys.active().public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    symmetric = jwt.encode(claims, public, algorithm="HS256", headers=headers)
    for token in (unsigned, symmetric):
        with pytest.raises(TokenInvalidError):
            at(keys, NOW).verify(token)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "somebody else"},
        {"sub": "not an id"},
        {"sid": ...},
        {"exp": ...},
        {"exp": "soon"},
        {"exp": 10**30},
        {"iat": "now"},
        {"scopes": 7},
        {"org": 7},
        {"jti": 7},
    ],
)
def test_claims_that_are_not_ours_are_refused(keys: SigningKeys, changes: dict[str, object]) -> None:
    with pytest.raises(TokenInvalidError):
        at(keys, NOW).verify(signed(keys, **changes))


@pytest.mark.parametrize("headers", [{"typ": "JWT"}, {"kid": "unknown"}])
def test_another_type_or_key_id_is_refused(keys: SigningKeys, headers: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalidError):
        at(keys, NOW).verify(signed(keys, headers=headers))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "a.b", "é.é.é", "x" * 9000, "...."])
def test_what_is_no_token_is_malformed(keys: SigningKeys, text: str) -> None:
    with pytest.raises(TokenMalformedError):
        at(keys, NOW).verify(text)


def test_every_token_has_its_own_id(keys: SigningKeys) -> None:
    ids = set()
    for _ in range(3):
        token, _ = at(keys, NOW).issue(user=USER, session=SESSION)
        ids.add(UUID(jwt.decode(token, options={"verify_signature": False})["jti"]))
    assert len(ids) == 3
