"""What happened in the shop: orders as plain facts, before any database stores them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Final

from bson import ObjectId

from examples.rps.sample.catalogue import OPENED, Catalogue, Product, Promo
from examples.rps.sample.faults import Plan, amount_of, plan
from examples.rps.sample.people import Customer, customer

__all__ = ["Line", "Order", "Shop"]

_STATES: Final = (
    ("complete",) * 8 + ("partial",) * 3 + ("shipped",) * 2 + ("processing",) * 2 + ("declined",) * 2
)
_TAX: Final = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Line:
    product: Product
    quantity: int
    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    index: int
    key: ObjectId
    number: str
    refund: bool
    state: str
    created: datetime
    customer: Customer | None
    lines: tuple[Line, ...]
    promo: Promo | None
    net: Decimal
    tax: Decimal
    shipping: Decimal
    discount: Decimal
    fault: str
    fault_number: int

    @property
    def amount(self) -> Decimal:
        return amount_of(self.fault_number) if self.fault == "money.rounded" else self.net

    @property
    def total(self) -> Decimal:
        return self.net + self.tax + self.shipping - self.discount

    @property
    def quarantined(self) -> bool:
        return self.fault == "amount.not_a_number"


class Shop:
    """An order, a customer and a product by number; the same seed always gives the same ones."""

    def __init__(self, seed: str, orders: int) -> None:
        self.seed = seed
        self.orders = orders
        self.customers = max(10, orders // 5)
        self.catalogue = Catalogue(seed, max(30, min(orders * 3 // 20, 800)))
        self.faults: Plan = plan(seed, orders)
        self.customer = lru_cache(maxsize=4096)(lambda index: customer(seed, index))

    def order(self, index: int) -> Order:
        random = Random(f"{self.seed}:order:{index}")
        fault, fault_number = self.faults.get(index, ("", 0))
        refund = random.random() < 0.15 and not fault
        state = "refunded" if refund else random.choice(_STATES)
        lines = tuple(self._line(random, refund=refund) for _ in range(self._length(random, refund=refund)))
        net = sum((line.amount for line in lines), Decimal(0))
        promo = random.choice(self.catalogue.promos) if not refund and random.random() < 0.08 else None
        guest = random.random() < 0.14 and fault != "reference.missing"
        return Order(
            index=index,
            key=ObjectId(random.randbytes(12)),
            number=self._repeated(fault_number)
            if fault == "number.repeated"
            else _number(index, refund=refund),
            refund=refund,
            state=state,
            created=OPENED + timedelta(seconds=random.randrange(60, 240) + 240 * index, days=60),
            customer=None if guest else self.customer(random.randrange(self.customers)),
            lines=lines,
            promo=promo,
            net=net,
            tax=net * _TAX,
            shipping=Decimal("4.95") if 0 < net < 50 else Decimal(0),
            discount=net * promo.percent / 100 if promo else Decimal(0),
            fault=fault,
            fault_number=fault_number,
        )

    def _repeated(self, fault_number: int) -> str:
        """Return the number of a sale among the first tenth, where no order has a fault."""
        index = fault_number * (self.orders // 40)
        while self.order(index).refund:
            index += 1
        return self.order(index).number

    def _line(self, random: Random, *, refund: bool) -> Line:
        product = random.choice(self.catalogue.products)
        quantity = random.choice([1, 1, 1, 2, 2, 3, 4, 6, 12, 24])
        amount = product.price * (-quantity if refund else quantity)
        return Line(product, quantity, product.price, amount)

    @staticmethod
    def _length(random: Random, *, refund: bool) -> int:
        return random.randrange(1, 4) if refund else random.choice([1, 2, 3, 4, 5, 6, 8, 10, 14, 20, 30])


def _number(index: int, *, refund: bool) -> str:
    return f"{'C' if refund else ''}{500_000 + index}"
