"""Errors carry a stable code, found by it."""

import pytest

from caravan.core.errors import CaravanError, DuplicateCodeError, find, registered
from caravan.core.principal import NotFoundError


def test_an_error_class_is_found_by_its_code() -> None:
    assert find("not_found") is NotFoundError
    assert find("no_such_code") is None


def test_two_classes_may_not_claim_one_code() -> None:
    with pytest.raises(DuplicateCodeError, match="not_found"):
        type("OtherError", (CaravanError,), {"code": "not_found"})


def test_a_class_without_a_code_of_its_own_is_not_registered() -> None:
    before = [error.code for error in registered()]
    type("RefinedError", (NotFoundError,), {})
    assert [error.code for error in registered()] == before


def test_the_title_stands_in_for_a_missing_message() -> None:
    error = NotFoundError(entity="order")
    assert (error.message, str(error), error.details) == ("Not found", "Not found", {"entity": "order"})


def test_every_registered_error_says_what_to_do() -> None:
    for error in registered():
        assert error.title, error
        assert error.fix, error
        assert 400 <= error.status < 600, error
