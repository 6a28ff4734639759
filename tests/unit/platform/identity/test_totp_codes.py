"""One-time codes: the standard's, one step of drift, never twice."""

from datetime import UTC, datetime

import pyotp
import pytest

from caravan.platform.identity.totp_codes import (
    matching_step,
    new_recovery_codes,
    new_secret,
    provisioning_uri,
    recovery_digest,
)

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B: "12345678901234567890"


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (2000000000, "279037")],
)
def test_the_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert matching_step(SECRET, code, now=moment(seconds), after=0) == seconds // 30


@pytest.mark.parametrize(("drift", "known"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_of_drift_is_allowed_either_way(drift: int, *, known: bool) -> None:
    code = pyotp.TOTP(SECRET).generate_otp(40_000_000 + drift)
    step = matching_step(SECRET, code, now=moment(40_000_000 * 30), after=0)
    assert step == (40_000_000 + drift if known else None)


def test_a_step_that_was_used_is_refused() -> None:
    code = pyotp.TOTP(SECRET).generate_otp(40_000_000)
    assert matching_step(SECRET, code, now=moment(40_000_000 * 30), after=39_999_999) == 40_000_000
    assert matching_step(SECRET, code, now=moment(40_000_000 * 30), after=40_000_000) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "٢٨٧٠٨٢", "\ud800"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert matching_step(SECRET, code, now=moment(59), after=0) is None


def test_spaces_in_a_code_do_not_matter() -> None:
    assert matching_step(SECRET, " 287 082 ", now=moment(59), after=0) == 1


def test_an_app_gets_all_it_needs() -> None:
    uri = provisioning_uri(SECRET, account="ada@example.com")
    assert uri.startswith("otpauth://totp/Caravan:ada%40example.com?")
    assert f"secret={SECRET}" in uri
    assert len(new_secret()) == 32


def test_recovery_codes_differ_and_are_read_however_they_are_typed() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert recovery_digest(codes[0]) == recovery_digest(f" {codes[0].lower().replace('-', ' ')} ")
    assert recovery_digest(codes[0]) != recovery_digest(codes[1])
