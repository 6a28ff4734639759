"""Every error of identity says what to do."""

import pytest

from caravan.core.errors import CaravanError
from caravan.platform.identity import errors


@pytest.mark.parametrize("name", errors.__all__)
def test_an_error_has_code_title_and_remedy(name: str) -> None:
    error: type[CaravanError] = getattr(errors, name)
    assert error.__dict__["code"]
    assert error.title
    assert error.fix.endswith(".")


def test_a_lock_says_when_to_come_back() -> None:
    assert errors.LoginLockedError("Locked.", retry_after=30).headers() == {"Retry-After": "30"}


def test_a_missing_log_in_asks_for_a_bearer_token() -> None:
    assert errors.TokenExpiredError().headers()["WWW-Authenticate"] == "Bearer"
