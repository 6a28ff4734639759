"""What must be read, what must be found after a faithful load, and the planted faults.

Counted from what the shop knows, in Decimal, while the documents are written; no reader and no loader takes part.
"""

from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from examples.rps.sample.faults import FIELDS
from examples.rps.sample.sales import Order

__all__ = ["Truth"]

_KEPT: Final = Decimal("0.0001")


class Truth:
    """``in_source`` counts what the documents say, ``loaded`` what is left without the orders in quarantine."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._read: Counter[str] = Counter()
        self._in_source, self._loaded = _Orders(), _Orders()
        self._guests = self._without_order = 0
        self._refunds = Decimal(0)
        self._faults: dict[str, list[dict[str, str]]] = {name: [] for name in FIELDS}

    def count(self, collection: str) -> None:
        self._read[collection] += 1

    def order(self, order: Order, state: str) -> None:
        self.count("orders")
        self._in_source.add(order, state, order.amount)
        self._guests += order.customer is None
        self._refunds -= order.amount if order.refund else 0
        if not order.quarantined:
            self._loaded.add(order, state, order.amount.quantize(_KEPT, ROUND_HALF_EVEN))
        if order.fault:
            fault = {"_id": str(order.key), "field": FIELDS[order.fault]}
            if order.fault == "number.repeated":
                fault["number"] = order.number
            self._faults[order.fault].append(fault)

    def payment(self, order: Order) -> None:
        self.count("transactions")
        self._without_order += order.quarantined

    def report(self) -> dict[str, Any]:
        kept = ("affiliates", "customers", "products", "promos", "transactions")
        return {
            "collections": {name: self._read[name] for name in (*kept, "orders")},
            "faults": self._faults,
            "loaded": {
                **{name: self._read[name] for name in kept},
                "amount_sum": _plain(self._loaded.amount),
                "by_state": dict(self._loaded.states),
                "order_lines": self._loaded.lines,
                "orders": self._loaded.states.total(),
                "transactions_without_order": self._without_order,
            },
            "orders": {
                "amount_by_state": {
                    state: _plain(amount) for state, amount in self._in_source.amounts.items()
                },
                "amount_sum": _plain(self._in_source.amount),
                "by_state": dict(self._in_source.states),
                "guest_orders": self._guests,
                "order_lines": self._in_source.lines,
                "refund_sum": _plain(self._refunds),
            },
            "seed": self._seed,
        }


class _Orders:
    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self.amounts: dict[str, Decimal] = {}
        self.amount = Decimal(0)
        self.lines = 0

    def add(self, order: Order, state: str, amount: Decimal) -> None:
        self.states[state] += 1
        self.amounts[state] = self.amounts.get(state, Decimal(0)) + amount
        self.amount += amount
        self.lines += len(order.lines)


def _plain(amount: Decimal) -> str:
    """Write without an exponent and without zeros behind the last digit."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
