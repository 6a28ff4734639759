"""Asks old again and new about a request that a client sent, in random order and within the budget."""

import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from caravan.migration.exchange import Answer, Exchange, Request
from caravan.migration.shadow.budget import Budget
from caravan.migration.shadow.differences import Spot
from caravan.migration.shadow.judge import Judge
from caravan.migration.shadow.sides import Ask
from caravan.migration.shadow.triple import Triple

__all__ = ["Asker", "CaughtUp", "Effect", "Route", "always_caught_up"]


class Effect(StrEnum):
    """What a request to a route does; declared, never concluded from its method."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Route:
    """``template`` names the route, such as ``GET /orders/{id}``."""

    template: str
    effect: Effect


CaughtUp: TypeAlias = Callable[[Exchange], Awaitable[str | None]]
"""Asked before the answers are looked at: None when the new side had applied what old had at its answer, else why not."""


async def always_caught_up(_exchange: Exchange) -> str | None:
    """For sides that share their data, or whose data stands still."""
    return None


class Asker:
    """``seed`` fixes the order of asking for each request, whatever else runs beside."""

    def __init__(
        self,
        *,
        old: Ask,
        new: Ask,
        budget: Budget | None,
        again: Ask | None = None,
        caught_up: CaughtUp = always_caught_up,
        seed: int = 0,
    ) -> None:
        """``again`` is a second instance of the old side; without one ``old`` is asked, on routes that read.

        ``budget`` None: nobody else uses the old side.
        """
        self._old, self._again, self._new = old, again, new
        self._budget = budget
        self._caught_up = caught_up
        self._seed = seed

    async def triple(self, exchange: Exchange, route: Route) -> Triple | None:
        """Ask both sides about a served exchange. Over budget, old is not asked again and the triple has no B.

        None when it cannot be asked: the route writes, and such a request is never sent a second time, or its body was not kept.
        """
        if route.effect is not Effect.READ or exchange.request.body.content is None:
            return None
        reason = await self._caught_up(exchange)
        order = self._random(exchange.id, "order")
        asks: list[tuple[str, Ask]] = [("new", self._new)]
        if self._again is not None or self._spend(1):
            asks.append(("again", self._again or self._old))
        order.shuffle(asks)
        answers = {name: await ask(exchange.request) for name, ask in asks}
        return Triple(
            exchange.id,
            exchange.at,
            route.template,
            exchange.request,
            exchange.answer,
            answers.get("again"),
            answers["new"],
            exchange.client,
            exchange.tags,
            reason,
        )

    async def reask(self, judge: Judge, triple: Triple, spots: Iterable[Spot]) -> tuple[Spot, ...]:
        """Ask each side k times in random order about one request, if the budget has them; return the spots reported."""
        times = judge.settings.reask_times
        if self._again is None and not self._spend(times):
            return ()
        old, new = await self.repeated(triple.request, times, self.order_of(triple.id))
        return judge.take_reasked(triple.route, spots, old, new)

    async def repeated(
        self, request: Request, times: int, order: random.Random
    ) -> tuple[list[Answer], list[Answer]]:
        """Ask each side so often, one request at a time, in random order."""
        sides = [False] * times + [True] * times
        order.shuffle(sides)
        answers: tuple[list[Answer], list[Answer]] = [], []
        for is_new in sides:
            ask = self._new if is_new else self._again or self._old
            answers[is_new].append(await ask(request))
        return answers

    def order_of(self, request: UUID) -> random.Random:
        """What mixes the order in which the sides are asked about one request: the same for the same seed."""
        return self._random(request, "re-ask")

    def _spend(self, requests: int) -> bool:
        return self._budget is None or self._budget.take(requests)

    def _random(self, request: UUID, purpose: str) -> random.Random:
        return random.Random(f"{self._seed}/{request}/{purpose}")  # noqa: S311 - to mix, not to hide
