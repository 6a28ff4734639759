"""The two shops of the data demonstration answer alike, and the shoppers find out what a side lost or doubled."""

import copy
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from caravan.core.database import DatabaseAddress
from examples.market.shoppers import Shoppers
from examples.market.stores import PRODUCTS, make_new, make_old, new_holds, old_holds
from tests.fixtures.capabilities import needs
from tests.fixtures.command_line import ROOT
from tests.fixtures.mariadb_server import PrivateMariadb
from tools.free_ports import free_port

pytestmark = needs("mariadbd")

MARKET = ROOT / "examples" / "market"
ORG = UUID(int=1)
STOCK = 1_000


@contextmanager
def serving(command: list[str], port: int, log: Path, **environment: str) -> Iterator[str]:
    base = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=MARKET, env={**os.environ, **environment}, stdout=output, stderr=output
        )
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    httpx2.get(f"{base}/health")
                    break
                except httpx2.TransportError:
                    assert process.poll() is None, log.read_text()
                    assert time.monotonic() < deadline, log.read_text()
                    time.sleep(0.05)
            yield base
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def old_url(mariadb: PrivateMariadb) -> str:
    url = mariadb.url("market_shops")
    make_old(url, STOCK)
    return url


@pytest.fixture(scope="module")
def old(old_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "legacy_shop.py", "--port", str(port), "--database", old_url]
    with serving(command, port, tmp_path_factory.mktemp("old") / "log") as base:
        yield base


@pytest.fixture(scope="module")
def new(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    make_new(module_database.libpq(None), ORG, stock=STOCK)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "new_shop:app", "--port", str(port), "--log-level", "warning"]
    where = {"SHOP_DATABASE": module_database.url, "SHOP_ORG": str(ORG)}
    with serving(command, port, tmp_path_factory.mktemp("new") / "log", **where) as base:
        yield base


def conversation(base: str) -> list[tuple[int, Any]]:
    """The same visit to a shop; left out is what depends on who came before: numbers, moments, stock."""
    order = {
        "reference": "r-1",
        "customer": "Amel",
        "lines": [{"sku": "SKU-002", "quantity": 2}, {"sku": "SKU-001", "quantity": 1}],
    }
    told = []
    with httpx2.Client(base_url=base) as client:
        answers = [client.post("/orders", json=order), client.post("/orders", json=order)]
        number = answers[0].json()["number"]
        payment = {"reference": "p-1", "amount": "3.00"}
        rest = {"reference": "p-2", "amount": "4.70"}
        answers += [client.post(f"/orders/{number}/payments", json=each) for each in (payment, payment, rest)]
        answers += [client.get(f"/orders/{number}"), client.get("/orders/999"), client.get("/products")]
        greedy = {**order, "reference": "r-2", "lines": [{"sku": "SKU-003", "quantity": STOCK + 1}]}
        answers.append(client.post("/orders", json=greedy))
        answers.append(client.post("/orders/999/payments", json=payment))
    for answer in answers:
        content = answer.json()
        for each in content if isinstance(content, list) else [content]:
            for field in ("number", "created_at", "stock"):
                each.pop(field, None)
        told.append((answer.status_code, content))
    return told


def test_both_answer_the_same_visit_alike(old: str, new: str) -> None:
    told = conversation(old)
    assert [status for status, _ in told] == [201, 200, 201, 200, 201, 200, 404, 200, 409, 404]
    assert (told[5][1]["state"], told[5][1]["total"]) == ("paid", "7.70")
    assert conversation(new) == told


@dataclass(frozen=True)
class Day:
    """What the shoppers did, and what the store held before and after."""

    shoppers: Shoppers
    before: dict[str, int]
    orders: dict[str, dict[str, Any]]
    stock: dict[str, int]


@pytest.fixture(scope="module")
def day(old: str, old_url: str) -> Day:
    _, before = old_holds(old_url)
    shoppers = Shoppers(old, PRODUCTS, count=3, pause=0.0)
    shoppers.start()
    while len(shoppers.truth.payments) < 10:
        time.sleep(0.01)
    shoppers.stop()
    return Day(shoppers, before, *old_holds(old_url))


def test_shoppers_find_that_all_they_were_told_is_there(day: Day) -> None:
    assert day.shoppers.compare(day.orders, day.stock, day.before) == []
    figures = day.shoppers.figures()
    assert (figures["failed"], figures["availability"], day.shoppers.given_up) == (0, 100.0, [])


def test_shoppers_find_what_was_lost_doubled_or_changed(day: Day) -> None:
    orders, stock = copy.deepcopy(day.orders), dict(day.stock)
    lost, changed, *_ = sorted(day.shoppers.truth.totals)
    del orders[lost]
    orders[changed]["total"] += Decimal("0.01")
    orders["shopper-9-9-9"] = {"number": 9, "total": Decimal(1), "payments": {"twice": Decimal(1)}}
    stock["SKU-001"] += 1
    wrong = "\n".join(day.shoppers.compare(orders, stock, day.before))
    assert f"order {lost} is lost" in wrong
    assert f"order {changed} is " in wrong
    assert "order shopper-9-9-9 was never acknowledged" in wrong
    assert "payment twice was never acknowledged" not in wrong, "it is told once, with its order"
    assert f"SKU-001: {stock['SKU-001']} are left" in wrong


def test_the_new_store_holds_what_its_shop_was_told(new: str, module_database: DatabaseAddress) -> None:
    _, before = new_holds(module_database.libpq(None), ORG)
    shoppers = Shoppers(new, PRODUCTS, count=2, pause=0.0, seed=2)
    shoppers.start()
    while len(shoppers.truth.payments) < 5:
        time.sleep(0.01)
    shoppers.stop()
    assert shoppers.compare(*new_holds(module_database.libpq(None), ORG), before) == []
