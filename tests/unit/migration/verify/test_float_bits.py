"""A double and the digits of its bits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caravan.migration.verify.float_bits import bits_of, double_of


@given(st.floats(allow_nan=False))
def test_bits_read_back_as_the_very_double(value: float) -> None:
    back = double_of(bits_of(value))
    assert (back, math.copysign(1, back)) == (value, math.copysign(1, value))


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_doubles_that_differ_have_other_bits(one: float, other: float) -> None:
    assert (bits_of(one) == bits_of(other)) == (
        one == other and math.copysign(1, one) == math.copysign(1, other)
    )


def test_every_nan_is_one_and_neighbours_are_two() -> None:
    assert bits_of(-math.nan) == bits_of(math.nan) == "7ff8000000000000"
    assert bits_of(0.1) != bits_of(math.nextafter(0.1, 1))
    with pytest.raises(ValueError, match="00"):
        double_of("00")
