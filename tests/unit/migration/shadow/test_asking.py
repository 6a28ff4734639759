"""Who is asked, in which order, and how much of it the old side has to bear."""

# ruff: noqa: S311 - seeded draws; documents of any shape

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

import pytest

from bench.judge_scenarios import START
from caravan.migration.exchange import Answer, Body, Exchange, Request
from caravan.migration.shadow import Asker, Budget, Effect, Judge, Route

READ = Route("GET /x", Effect.READ)
JSON = (("Content-Type", "application/json"),)


def exchange(number: int = 1) -> Exchange:
    answer = Answer(200, JSON, Body.of(b'{"a": 1}'))
    return Exchange(UUID(int=number), START, Request("GET", f"/x/{number}"), answer, "client")


def side(name: str, asked: list[str], content: str = '{"a": 1}') -> Callable[[Request], Awaitable[Answer]]:
    async def ask(_request: Request) -> Answer:
        asked.append(name)
        return Answer(200, JSON, Body.of(content.encode()))

    return ask


async def orders(seed: int, numbers: range) -> list[list[str]]:
    found = []
    for number in numbers:
        asked: list[str] = []
        asker = Asker(old=side("old", asked), new=side("new", asked), budget=None, seed=seed)
        triple = await asker.triple(exchange(number), READ)
        assert triple is not None
        assert triple.again is not None
        found.append(asked)
    return found


@pytest.mark.asyncio
async def test_old_again_and_new_are_asked_in_random_order_that_a_seed_fixes() -> None:
    first = await orders(1, range(200))
    assert 70 < sum(asked == ["old", "new"] for asked in first) < 130
    assert first == await orders(1, range(200))
    assert first != await orders(2, range(200))


@pytest.mark.asyncio
async def test_a_route_that_writes_is_never_asked_a_second_time() -> None:
    asked: list[str] = []
    asker = Asker(old=side("old", asked), new=side("new", asked), budget=None)
    assert await asker.triple(exchange(), Route("POST /x", Effect.WRITE)) is None
    cut = replace(exchange(), request=Request("GET", "/x", (), Body(None, 10, b"")))
    assert await asker.triple(cut, READ) is None
    assert asked == []


@pytest.mark.asyncio
async def test_a_second_old_instance_costs_clients_nothing() -> None:
    asked: list[str] = []
    asker = Asker(
        old=side("old", asked), again=side("second", asked), new=side("new", asked), budget=Budget()
    )
    triple = await asker.triple(exchange(), READ)
    assert triple is not None
    assert triple.again is not None
    assert sorted(asked) == ["new", "second"]


@pytest.mark.asyncio
async def test_whether_new_had_caught_up_is_asked_before_new_is() -> None:
    asked: list[str] = []

    async def behind(_exchange: Exchange) -> str | None:
        asked.append("position")
        return "new was 3 positions behind"

    asker = Asker(old=side("old", asked), new=side("new", asked), budget=None, caught_up=behind)
    triple = await asker.triple(exchange(), READ)
    assert asked[0] == "position"
    assert triple is not None
    assert triple.not_judged == "new was 3 positions behind"


@pytest.mark.asyncio
async def test_re_asking_asks_both_sides_equally_often_and_mixed() -> None:
    asked: list[str] = []
    judge = Judge()
    asker = Asker(old=side("old", asked), new=side("new", asked, '{"a": 2}'), budget=None)
    triple = await asker.triple(exchange(), READ)
    assert triple is not None
    taken = judge.take(triple)
    asked.clear()
    assert await asker.reask(judge, triple, taken.reask) == taken.reask
    assert (asked.count("old"), asked.count("new")) == (8, 8)
    assert asked not in (["old"] * 8 + ["new"] * 8, ["new"] * 8 + ["old"] * 8)


def calm(seconds: float = 0.1, requests: int = 1_000) -> Budget:
    budget = Budget(burst=0)
    for _ in range(requests):
        budget.saw(seconds)
    return budget


def test_a_hundredth_of_the_old_sides_requests_is_asked_and_no_more() -> None:
    budget = calm()
    assert sum(budget.take(1) for _ in range(100)) == 10
    assert not calm().take(11)
    assert calm().report().allowed == 10


def test_nothing_is_asked_before_the_p95_is_known() -> None:
    budget = calm(requests=99)
    assert not budget.take(1)
    assert budget.report().stopped == "the p95 of the old side is known after 100 requests"


def test_asking_stops_when_the_old_side_gets_slower_and_goes_on_when_it_has_recovered() -> None:
    budget = calm()
    assert budget.take(1)
    for _ in range(100):
        budget.saw(0.13)
    assert not budget.take(1)
    assert budget.report().stopped == "the p95 of the old side rose by more than 20%"
    for _ in range(600):
        budget.saw(0.1)
    assert budget.take(1)


def test_a_side_that_stays_slow_without_being_asked_is_the_new_measure() -> None:
    budget = calm()
    assert budget.take(1)
    for _ in range(4_900):
        budget.saw(0.2)
    assert not budget.take(1)
    for _ in range(300):
        budget.saw(0.2)
    assert budget.take(1)


def test_a_side_that_was_always_this_slow_is_asked() -> None:
    mixed = random.Random(4)
    budget = Budget()
    for _ in range(2_000):
        budget.saw(mixed.lognormvariate(-1, 0.3))
    assert budget.take(1)
