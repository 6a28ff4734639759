"""Amounts are exact."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caravan.core.money import LIMIT, NotAnAmountError, amount, quantize


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        (139.12, "139.12"),
        (0.1 + 0.2, "0.30000000000000004"),
        ("12.0000", "12.0000"),
        (7, "7"),
        (Decimal("0.00005"), "0.00005"),
        ("-1e3", "-1E+3"),
    ],
)
def test_an_amount_is_the_exact_number_it_stands_for(
    given_value: float | str | Decimal, expected: str
) -> None:
    assert amount(given_value) == Decimal(expected)


@pytest.mark.parametrize(
    "bad", ["", "abc", "NaN", "Infinity", float("nan"), float("-inf"), True, str(LIMIT), "1,5"]
)
def test_what_is_no_amount_is_refused(bad: object) -> None:
    with pytest.raises(NotAnAmountError):
        amount(bad)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("exact", "kept"),
    [("0.00005", "0.0000"), ("0.00015", "0.0002"), ("-0.00025", "-0.0002"), ("1", "1.0000")],
)
def test_rounding_is_half_even_to_four_places(exact: str, kept: str) -> None:
    assert str(quantize(Decimal(exact))) == kept


@given(st.decimals(min_value=-LIMIT + 1, max_value=LIMIT - 1, places=4))
def test_four_places_pass_unchanged(number: Decimal) -> None:
    assert quantize(amount(number)) == number


@given(st.floats(min_value=-1e9, max_value=1e9))
def test_a_double_is_read_by_its_shortest_form(number: float) -> None:
    assert float(amount(number)) == number
    assert amount(number) == Decimal(repr(number))
