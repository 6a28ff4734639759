"""Which orders are planted with a fault, and what the fault looks like in storage."""

from collections.abc import Mapping
from decimal import Decimal
from math import inf, nan
from random import Random
from typing import Final, TypeAlias

from bson import Decimal128
from bson.datetime_ms import DatetimeMS

from examples.rps.sample.storage import exact

__all__ = ["FIELDS", "Plan", "amount_of", "plan", "planted_value"]

Plan: TypeAlias = Mapping[int, tuple[str, int]]
"""Order number in the sample → class of its fault and which one of its class it is."""

FIELDS: Final[Mapping[str, str]] = {
    "amount.not_a_number": "totalAmount",
    "date.out_of_range": "deliveryDate",
    "money.rounded": "amount",
    "number.repeated": "orderNumber",
    "reference.missing": "customer",
    "state.unknown": "state",
}
_VALUES: Final[Mapping[str, tuple[object, ...]]] = {
    "amount.not_a_number": (nan, Decimal128("NaN"), inf, "n/a"),
    "date.out_of_range": tuple(
        map(DatetimeMS, (-62169984000000, 253402300800000, -(2**62), -62135596800001))
    ),
    # The fourth digit behind the point is even and odd: half-even goes down once and up once.
    "money.rounded": ("12.34565", Decimal128("48.12375"), 7.00005, "0.123456789"),
    "number.repeated": (str, int, str),
    "reference.missing": (None, None, None, None, None),
    "state.unknown": ("under-review", "teleported", "under-review"),
}


def plan(seed: str, orders: int) -> Plan:
    """Choose an order of its own for every fault, in the last nine tenths of the sample."""
    wanted = [(name, number) for name, values in sorted(_VALUES.items()) for number in range(len(values))]
    first = max(1, orders // 10)
    if orders - first < len(wanted):
        raise ValueError(f"the faults need {len(wanted) * 10 // 9 + 2} orders at least")
    chosen = Random(f"{seed}:faults").sample(range(first, orders), len(wanted))
    return dict(zip(chosen, wanted, strict=True))


def planted_value(fault: str, number: int) -> object:
    return _VALUES[fault][number]


def amount_of(number: int) -> Decimal:
    """Return the exact amount behind the ``money.rounded`` of this number."""
    return exact(_VALUES["money.rounded"][number])
