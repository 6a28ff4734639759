"""Exact amounts: ``Decimal`` with four places, as ``NUMERIC(18,4)`` keeps them."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from typing import Final

from caravan.core.errors import CaravanError

__all__ = ["LIMIT", "PLACES", "NotAnAmountError", "amount", "quantize"]

PLACES: Final = Decimal("0.0001")
LIMIT: Final = Decimal(10) ** 14
"""The first value that NUMERIC(18,4) cannot hold."""


class NotAnAmountError(CaravanError):
    code = "amount.not_a_number"
    status = 422
    title = "Not an amount of money"
    fix = "Send a decimal number such as 19.99: at most 14 digits before the point, no NaN and no Infinity."


def amount(value: Decimal | float | str) -> Decimal:
    """Return the exact number that ``value`` stands for, unrounded; a double is read by its shortest form.

    Raises:
        NotAnAmountError: for text that is no number, NaN, an infinity, or more than 14 digits before the point.
    """
    if isinstance(value, bool):
        raise NotAnAmountError(f"{value!r} is a truth value, not an amount")
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, ValueError, TypeError):
        raise NotAnAmountError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise NotAnAmountError(f"{value!r} is not a finite number")
    if abs(number) >= LIMIT:
        raise NotAnAmountError(f"{value!r} has more than 14 digits before the point")
    return number


def quantize(value: Decimal) -> Decimal:
    """Round half-even to the four places we keep."""
    with localcontext(prec=38):
        return value.quantize(PLACES, rounding=ROUND_HALF_EVEN)
