"""Shoppers who order and pay without a pause, and keep a list of what they were told was done.

``Shoppers(base_url).start()``, later ``stop()``; ``figures()`` says what the clients saw, ``compare(orders, stock)`` what a side holds
against what was acknowledged. Each order and payment has a reference of its own and is sent again until somebody answers, so that a
doubled or lost one shows.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx2

__all__ = ["Call", "Shoppers", "Truth"]

PATIENCE = 60.0
"""Seconds after which a shopper gives an order up: nobody should need them."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the client saw it: ``failed`` is an answer of 5xx or none at all, ``sent`` counts from the clock's zero."""

    sent: float
    seconds: float
    write: bool
    status: int
    failed: bool


@dataclass(slots=True)
class Truth:
    """What has been acknowledged: totals by order, payments by reference, how many of each product were sold."""

    totals: dict[str, Decimal] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    payments: dict[str, Decimal] = field(default_factory=dict)
    sold: Counter[str] = field(default_factory=Counter)


class Shoppers:
    """``count`` of them, each with a thread and a connection; ``pause`` seconds between two visits."""

    def __init__(
        self, base_url: str, skus: Iterable[str], *, count: int = 8, pause: float = 0.02, seed: int = 1
    ) -> None:
        self._base = base_url
        self._skus = sorted(skus)
        self._count, self._pause, self._seed = count, pause, seed
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._calls: list[Call] = []
        self.truth = Truth()
        self.given_up: list[str] = []

    def start(self) -> None:
        """Send them in."""
        self._threads = [
            threading.Thread(target=self._shop, args=(number,), name=f"shopper {number}", daemon=True)
            for number in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each finish what it began."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE + 10)

    def calls(self, since: float = 0.0, until: float = float("inf")) -> list[Call]:
        """Return the requests that were sent between two moments of ``time.monotonic()``."""
        with self._lock:
            return [call for call in self._calls if since <= call.sent < until]

    def figures(self, since: float = 0.0, until: float = float("inf")) -> dict[str, Any]:
        """Return what clients saw: requests, failures, availability in percent, and the longest waits in seconds."""
        calls = self.calls(since, until)
        waits = sorted(call.seconds for call in calls if call.write) or [0.0]
        failed = sum(call.failed for call in calls)
        return {
            "requests": len(calls),
            "writes": sum(call.write for call in calls),
            "failed": failed,
            "availability": round(100 * (1 - failed / max(1, len(calls))), 4),
            "p50": round(waits[len(waits) // 2], 4),
            "p99": round(waits[min(len(waits) - 1, int(len(waits) * 0.99))], 4),
            "longest": round(waits[-1], 4),
        }

    def held(self, since: float, until: float, *, beyond: float = 5.0) -> list[float]:
        """Return the waits, in seconds, of the writes that were held: each far longer than what a write takes there (its median)."""
        waits = sorted(call.seconds for call in self.calls(since, until) if call.write)
        usual = waits[len(waits) // 2] if waits else 0.0
        return [wait for wait in waits if wait > beyond * usual]

    def compare(
        self, orders: Mapping[str, Mapping[str, Any]], stock: Mapping[str, int], before: Mapping[str, int]
    ) -> list[str]:
        """Hold a side against what was acknowledged; returns what is wrong, in words.

        ``orders`` are the side's own by reference, each with number, total and payments (reference to amount); those from before
        the shoppers came are passed over. ``stock`` and ``before`` are by product.
        """
        truth, wrong = self.truth, []
        mine = {reference: order for reference, order in orders.items() if reference.startswith("shopper-")}
        wrong += [f"order {reference} is lost" for reference in truth.totals.keys() - mine.keys()]
        wrong += [
            f"order {reference} was never acknowledged" for reference in mine.keys() - truth.totals.keys()
        ]
        paid: dict[str, Decimal] = {}
        for reference in mine.keys() & truth.totals.keys():
            order = mine[reference]
            if (order["number"], order["total"]) != (truth.numbers[reference], truth.totals[reference]):
                wrong.append(f"order {reference} is {order['number']} over {order['total']}")
            paid |= order["payments"]
        wrong += [f"payment {reference} is lost" for reference in truth.payments.keys() - paid.keys()]
        wrong += [
            f"payment {reference} was never acknowledged" for reference in paid.keys() - truth.payments.keys()
        ]
        wrong += [
            f"payment {reference} is {amount}, not {truth.payments[reference]}"
            for reference, amount in paid.items()
            if truth.payments.get(reference, amount) != amount
        ]
        wrong += [
            f"{sku}: {stock.get(sku)} are left of {before[sku]}, and {truth.sold[sku]} were sold"
            for sku in before
            if stock.get(sku) != before[sku] - truth.sold[sku]
        ]
        return wrong

    def _shop(self, number: int) -> None:
        dice = random.Random(self._seed * 1000 + number)
        with httpx2.Client(base_url=self._base, timeout=20) as client:
            visit = 0
            while not self._stop.is_set():
                visit += 1
                self._visit(client, dice, number, f"shopper-{self._seed}-{number}-{visit}")
                self._stop.wait(self._pause)

    def _visit(self, client: httpx2.Client, dice: random.Random, number: int, reference: str) -> None:
        order = self._order(client, dice, reference, f"Shopper {number}")
        if order is not None and dice.random() < 0.7:
            self._pay(client, order, f"{reference}-paid")
        if dice.random() < 0.5:
            self._ask(client, reference, "GET", "/products")

    def _order(
        self, client: httpx2.Client, dice: random.Random, reference: str, customer: str
    ) -> dict[str, Any] | None:
        lines = [
            {"sku": sku, "quantity": dice.randint(1, 3)}
            for sku in dice.sample(self._skus, dice.randint(1, 3))
        ]
        order = self._done(client, "/orders", {"reference": reference, "customer": customer, "lines": lines})
        if order is None:
            return None
        with self._lock:
            self.truth.totals[reference] = Decimal(order["total"])
            self.truth.numbers[reference] = order["number"]
            self.truth.sold.update({line["sku"]: line["quantity"] for line in order["lines"]})
        return order

    def _pay(self, client: httpx2.Client, order: Mapping[str, Any], reference: str) -> None:
        amount = Decimal(order["total"])
        path = f"/orders/{order['number']}/payments"
        if self._done(client, path, {"reference": reference, "amount": str(amount)}) is not None:
            with self._lock:
                self.truth.payments[reference] = amount

    def _done(self, client: httpx2.Client, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Send a write until it is answered; None when the shop refuses it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            status, answer = self._ask(client, str(body["reference"]), "POST", path, body)
            if status in {200, 201}:
                done: dict[str, Any] = json.loads(answer)
                return done
            if 400 <= status < 500:
                return None
            time.sleep(0.1)
        self.given_up.append(str(body["reference"]))
        return None

    def _ask(
        self,
        client: httpx2.Client,
        who: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
    ) -> tuple[int, bytes]:
        headers = {"X-Client": who}
        began = time.monotonic()
        try:
            answer = client.request(method, path, headers=headers, json=body)
            status, content = answer.status_code, answer.content
        except httpx2.HTTPError:
            status, content = 0, b""
        failed = status == 0 or status >= 500
        with self._lock:
            self._calls.append(Call(began, time.monotonic() - began, body is not None, status, failed))
        return status, content
