"""A contract of a service of ours: the legacy reads of RPS, learnt from what they answer."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import orjson
import pytest

from caravan.core.ids import uuid7
from caravan.migration.contract import Contract, learn, score
from caravan.migration.contract.checking import AnswerChecker
from caravan.migration.exchange import Answer, Body, Exchange, Request
from caravan.migration.recording import Recording, RedactingWriter
from tests.fixtures.shop import Reader, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUTES = ("GET /rps/orders", "GET /rps/orders/{order_id}", "GET /rps/customers", "GET /rps/transactions")


def exchange_of(answer: httpx2.Response) -> Exchange:
    target = answer.request.url.raw_path.decode("ascii")
    headers = tuple((name, value) for name, value in answer.headers.items())
    asked = tuple((name, value) for name, value in answer.request.headers.items())
    return Exchange(
        uuid7(),
        datetime.now(UTC),
        Request("GET", target, asked),
        Answer(answer.status_code, headers, Body.of(answer.content), 0.01),
    )


async def traffic(shop: Shop, read: Reader) -> AsyncIterator[Exchange]:
    orders = []
    for number in range(12):
        customer = shop.customer(first_name="Ada", last_name=f"L{number}", email=f"c{number}@x.example")
        order = shop.order(number=f"N{number}", total_amount="166.9440", customer_id=customer)
        shop.transaction(order_id=order, amount="12.5", processor="stripe", response_code="100")
        orders.append(order)
    for number, order in enumerate(orders):
        yield exchange_of(await read("/rps/orders", limit=number + 1, q=f"N{number}"))
        yield exchange_of(await read(f"/rps/orders/{order}"))
        yield exchange_of(await read(f"/rps/orders/{uuid7()}"))
        yield exchange_of(await read("/rps/customers", offset=number))
        yield exchange_of(await read("/rps/transactions", sort="amount", dir="asc"))
        yield exchange_of(await read("/nowhere"))


async def test_half_of_its_traffic_tells_its_routes_and_the_other_half_keeps_them(
    shop: Shop, read: Reader, tmp_path: Path
) -> None:
    exchanges = [exchange async for exchange in traffic(shop, read)]
    learnt_from, held_out = exchanges[: len(exchanges) // 2], exchanges[len(exchanges) // 2 :]
    recording = Recording(tmp_path / "recording")
    writer = RedactingWriter(recording)
    for exchange in learnt_from:
        writer.write(exchange)
    writer.close()
    contract = learn(recording.read(), name="rps").contract
    met = score(contract.routes, ROUTES)
    assert (met.precision, met.recall) == (1, 1), met
    checker = AnswerChecker(contract)
    for exchange in held_out:
        route = checker.route_of(exchange)
        assert (route is None) == (exchange.request.path == "/nowhere")
        assert route is None or checker.problems(route, exchange.answer) == []
    assert noticed(contract, held_out) == {"$.rows[0].total_amount", "$.order.total_amount"}


def noticed(contract: Contract, exchanges: list[Exchange]) -> set[str]:
    """Where it is noticed that money became text."""
    checker, places = AnswerChecker(contract), set()
    for exchange in exchanges:
        content = exchange.answer.body.content or b""
        if b'"total_amount":166.944' in content:
            spoilt = orjson.dumps(
                orjson.loads(content.replace(b'"total_amount":166.944', b'"total_amount":"166.9440"'))
            )
            answer = replace(exchange.answer, body=Body.of(spoilt))
            places |= {problem.path for problem in checker.problems(checker.route_of(exchange) or "", answer)}
    return places
