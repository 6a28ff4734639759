"""The portal's two-part token: its claims mapped, its age limited."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from caravan.platform.identity.errors import TokenExpiredError, TokenInvalidError, TokenMalformedError
from caravan.platform.identity.portal_tokens import PortalTokens

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECRET = b"portal secret"
MAX_AGE = timedelta(hours=8)
USER = "7f1d6a1e-3f57-4c0a-9d4e-0c6b8a2f4b11"
ORG = "0a9d3c52-57cb-4a5e-8f0e-5d0b6f2d8c77"
tokens = PortalTokens(SECRET, max_age=MAX_AGE, clock=lambda: NOW)


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def made(payload: object, secret: bytes = SECRET) -> str:
    first = encoded(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    return f"{first}.{encoded(hmac.new(secret, first.encode(), hashlib.sha256).digest())}"


def claims(**changes: object) -> dict[str, object]:
    values = {
        "userId": USER,
        "email": "ada@example.com",
        "orgId": "k7m2qa",
        "orgUUID": ORG,
        "clientCode": "k7m2qa",
        "clientId": "c5a1b9f4-6e5b-4c70-8f2e-3b9d1e6a7c01",
        "roles": ["client-admin"],
        "perms": ["view_usage", "ingest", "paint"],
        "iat": int(NOW.timestamp()) - 60,
    } | changes
    return {name: value for name, value in values.items() if value is not ...}


def test_the_claims_are_mapped() -> None:
    caller = tokens.verify(made(claims()))
    assert caller.user == UUID(USER)
    assert caller.name == "ada@example.com"
    assert caller.org == ORG
    assert caller.client == "c5a1b9f4-6e5b-4c70-8f2e-3b9d1e6a7c01"
    assert caller.scopes == {"view_usage", "ingest"}
    assert caller.expires_at == NOW - timedelta(seconds=60) + MAX_AGE


def test_a_refreshed_token_without_tenancy_still_reads() -> None:
    bare = claims(orgUUID=..., clientId=..., clientCode=..., perms=..., roles=..., email=...)
    caller = tokens.verify(made(bare))
    assert (caller.org, caller.client, caller.name, caller.scopes) == ("k7m2qa", None, "", frozenset())


def test_the_portal_manager_may_do_everything() -> None:
    assert "admin" in tokens.verify(made(claims(roles=["portal-manager"], perms=[]))).scopes


def test_other_roles_add_nothing_to_the_permissions() -> None:
    assert tokens.verify(made(claims(roles=["client-admin", 7], perms=["search", None]))).scopes == {"search"}


@pytest.mark.parametrize("user", ["u-17", 17])
def test_a_user_id_of_another_kind_becomes_the_same_uuid_each_time(user: object) -> None:
    first, second = (tokens.verify(made(claims(userId=user))).user for _ in range(2))
    assert first == second
    assert first.version == 5


def test_a_wrong_secret_is_refused() -> None:
    with pytest.raises(TokenInvalidError):
        tokens.verify(made(claims(), b"development"))


def test_padding_after_the_signature_is_refused() -> None:
    with pytest.raises(TokenInvalidError):
        tokens.verify(made(claims()) + "=")


def test_a_token_ends_with_its_age() -> None:
    second = timedelta(seconds=1)
    just = int((NOW - MAX_AGE + second).timestamp())
    assert tokens.verify(made(claims(iat=just))).expires_at == NOW + second
    with pytest.raises(TokenExpiredError):
        tokens.verify(made(claims(iat=just - 1)))


def test_ten_seconds_into_the_future_is_a_clock_more_is_a_lie() -> None:
    seconds = int(NOW.timestamp())
    tokens.verify(made(claims(iat=seconds + 10)))
    with pytest.raises(TokenInvalidError):
        tokens.verify(made(claims(iat=seconds + 11)))


@pytest.mark.parametrize("iat", [..., None, "1767322985", 1.5, True, 10**30, -(10**30)])
def test_without_a_readable_time_of_issue_there_is_no_age_limit_and_no_entry(iat: object) -> None:
    with pytest.raises(TokenInvalidError):
        tokens.verify(made(claims(iat=iat)))


@pytest.mark.parametrize("user", [..., None, "", True, ["x"]])
def test_a_token_names_its_user(user: object) -> None:
    with pytest.raises(TokenInvalidError):
        tokens.verify(made(claims(userId=user)))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "one",
        "a.b.c",
        "é.é",
        "x" * 9000 + ".y",
        made(b"{"),
        made(b"\xff\xfe"),
        made([1]),
        made(b"[" * 5000),
    ],
)
def test_what_has_another_form_is_malformed(token: str) -> None:
    with pytest.raises(TokenMalformedError):
        tokens.verify(token)


def test_a_first_part_that_is_no_base64_is_malformed() -> None:
    first = "a!b"
    signature = encoded(hmac.new(SECRET, first.encode(), hashlib.sha256).digest())
    with pytest.raises(TokenMalformedError):
        tokens.verify(f"{first}.{signature}")
