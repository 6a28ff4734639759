"""The text of a double as PostgreSQL prints it (``extra_float_digits`` 1, its default): the shortest that reads back the same.

PostgreSQL takes the exponent form below 1e-4 and from 1e15 on (src/common/d2s.c), Python below 1e-4 and from 1e16 on.
"""

import math
from decimal import Decimal
from typing import Final

__all__ = ["float_text"]

_FIXED_FROM: Final = -4
_FIXED_BELOW: Final = 15
_TWO_DIGITS: Final = 10


def float_text(value: float) -> str:
    """Return the text; equal doubles have equal text, but for 0 and -0, which are told apart."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(float.__repr__(value)).as_tuple()
    if not isinstance(exponent, int):
        raise TypeError(exponent)  # only of what is not finite
    text = "".join(map(str, digits)).lstrip("0")
    stripped = text.rstrip("0")
    exponent += len(text) - len(stripped)
    minus = "-" if sign else ""
    return minus + (_written(stripped, exponent) if stripped else "0")


def _written(digits: str, exponent: int) -> str:
    """Write ``digits`` times ten to the ``exponent``."""
    place = len(digits) + exponent - 1
    if not _FIXED_FROM <= place < _FIXED_BELOW:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        zero = "0" if abs(place) < _TWO_DIGITS else ""
        return f"{digits[0]}{fraction}e{'-' if place < 0 else '+'}{zero}{abs(place)}"
    if exponent >= 0:
        return digits + "0" * exponent
    if place < 0:
        return "0." + "0" * (-place - 1) + digits
    return f"{digits[: place + 1]}.{digits[place + 1 :]}"
