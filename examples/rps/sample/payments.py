"""Transactions: each order has one, some are declined first, some refunds come in two."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from bson import ObjectId

from examples.rps.sample.sales import Order
from examples.rps.sample.storage import Storage

__all__ = ["payment_documents", "payment_keys"]


def payment_keys(order: Order) -> list[ObjectId]:
    return [key for key, _ in _payments(order)]


def payment_documents(seed: str, order: Order) -> Iterator[dict[str, Any]]:
    storage = Storage(Random(f"{seed}:payments:{order.index}"))
    random = storage.random
    for number, (key, state) in enumerate(_payments(order)):
        document: dict[str, Any] = {
            "_id": key,
            "order": storage.reference("orders", order.key),
            "state": state,
            "amount": storage.money(abs(order.total)),
            "currency": "GBP",
            "processor": random.choice(["authorizenet", "stripe", "paypal"]),
            "responseCode": "2" if state == "declined" else "1",
            "details": {"last4": f"{random.randrange(10_000):04}", "avs": "Y"},
            "createdAt": order.created + timedelta(seconds=30 * number),
        }
        if storage.chance(0.01):
            document["createdAt"] = storage.odd_date(order.created)
            document["details"]["3ds"] = {"0": "attempted", "2": None}
        yield document


def _payments(order: Order) -> list[tuple[ObjectId, str]]:
    random = Random(f"payments:{order.key}")
    final = {"refunded": "refunded", "declined": "declined"}.get(order.state, "captured")
    states = [final]
    if random.random() < 0.11:
        states = ["refunded" if final == "refunded" else "declined", final]
    return [(ObjectId(random.randbytes(12)), state) for state in states]
