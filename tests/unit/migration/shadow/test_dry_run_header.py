"""A dry run is asked for by a signature that fits one request, for a minute, once."""

from datetime import UTC, datetime, timedelta

import pytest

from caravan.migration.exchange import Body, Request
from caravan.migration.shadow import DRY_RUN_HEADER, DryRunRefusedError, signed_header, verify

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REQUEST = Request("POST", "/orders?x=%2F", (), Body.of(b'{"total": 1}'))
SECRETS = {"k1": b"a secret of the test"}
HEADER = signed_header(REQUEST, key="k1", secret=SECRETS["k1"], now=NOW, nonce="0" * 32)


def verified(
    value: str = HEADER[1],
    *,
    request: Request = REQUEST,
    now: datetime = NOW,
    used: set[str] | None = None,
) -> bool:
    used = set() if used is None else used

    def first_use(nonce: str) -> bool:
        fresh = nonce not in used
        used.add(nonce)
        return fresh

    return verify(
        ((DRY_RUN_HEADER.lower(), value),),
        method=request.method,
        target=request.target,
        body=request.body,
        secrets_by_key=SECRETS,
        now=now,
        first_use=first_use,
    )


def test_the_signature_is_the_documented_one() -> None:
    """These values were computed with openssl; another implementation can be checked against them."""
    signed = "e45c8370b5f49c27cfeef072b77378aba1e9e07f6824b975956b0a3bbfe33062"
    assert (
        "Caravan-Dry-Run",
        f"v1; key=k1; at=1772366400; nonce={'0' * 32}; sign={signed}",
    ) == HEADER


def test_a_signed_request_is_a_dry_run_and_one_without_the_header_is_not() -> None:
    assert verified()
    plain = verify(
        (), method="GET", target="/", body=Body.of(b""), secrets_by_key={}, now=NOW, first_use=lambda _: True
    )
    assert plain is False


@pytest.mark.parametrize(
    "request_",
    [
        Request("PUT", REQUEST.target, (), REQUEST.body),
        Request("POST", "/orders?x=/", (), REQUEST.body),
        Request("POST", REQUEST.target, (), Body.of(b'{"total": 2}')),
    ],
)
def test_the_signature_of_one_request_does_not_fit_another(request_: Request) -> None:
    with pytest.raises(DryRunRefusedError, match="not of this request"):
        verified(request=request_)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("yes", "form"),
        (HEADER[1].replace("v1", "v2"), "form"),
        (HEADER[1].replace("key=k1", "key=k2"), "not known"),
        (HEADER[1].replace("at=1", "at=2"), "not of this request"),
        (HEADER[1].replace("nonce=0", "nonce=1"), "not of this request"),
    ],
)
def test_what_was_tampered_with_is_refused(value: str, why: str) -> None:
    with pytest.raises(DryRunRefusedError, match=why):
        verified(value)


def test_a_signature_grows_old_and_is_good_once() -> None:
    used: set[str] = set()
    assert verified(now=NOW + timedelta(seconds=60), used=used)
    with pytest.raises(DryRunRefusedError, match="used before"):
        verified(used=used)
    for late in (timedelta(seconds=61), timedelta(seconds=-61)):
        with pytest.raises(DryRunRefusedError, match="60 seconds"):
            verified(now=NOW + late)


def test_nobody_without_the_key_can_use_a_nonce_up() -> None:
    used: set[str] = set()
    forged = HEADER[1][:-1] + ("0" if HEADER[1][-1] != "0" else "1")
    with pytest.raises(DryRunRefusedError):
        verified(forged, used=used)
    assert verified(used=used)


def test_two_headers_are_one_too_many() -> None:
    with pytest.raises(DryRunRefusedError, match="more than once"):
        verify(
            (HEADER, HEADER),
            method="POST",
            target=REQUEST.target,
            body=REQUEST.body,
            secrets_by_key=SECRETS,
            now=NOW,
            first_use=lambda _: True,
        )
