"""Sends a recording to two URLs and judges the answers: the same judge as in the shadow, before a single client is involved.

The verdict depends on the recording, the seed and the sides, not on how many requests are under way at once: answers are
judged in the order of the recording.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from caravan.migration.exchange import Exchange
from caravan.migration.shadow.asking import Asker, Effect, Route
from caravan.migration.shadow.errors import ReplayRefusedError
from caravan.migration.shadow.judge import Judge
from caravan.migration.shadow.sides import Ask
from caravan.migration.shadow.triple import Triple

__all__ = ["Replay", "ReplayProgress", "RouteOf"]

RouteOf: TypeAlias = Callable[[Exchange], Route | None]
"""Names the route of an exchange; None leaves it out."""


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """``position`` counts exchanges of the recording that are done with: a later run starts there."""

    position: int
    judged: int
    left_out: int
    failed: int
    reported: int


@dataclass(slots=True)
class Replay:
    """``old`` is asked for A and, unless there is an ``again``, for B; ``new`` for N.

    Routes that write are left out, unless ``writes`` says that all sides are copies made for this: then each of old, again and
    new is sent every request once, in the order of the recording, one at a time.
    """

    judge: Judge
    old: Ask
    new: Ask
    route_of: RouteOf
    again: Ask | None = None
    writes: bool = False
    concurrency: int = 8
    seed: int = 0
    position: int = 0
    counts: dict[str, int] = field(
        default_factory=lambda: {"judged": 0, "left_out": 0, "failed": 0, "reported": 0}
    )

    async def run(
        self,
        recording: Iterable[Exchange] | AsyncIterable[Exchange],
        *,
        progress: Callable[[ReplayProgress], None] = lambda _progress: None,
        stop: asyncio.Event | None = None,
    ) -> ReplayProgress:
        """Replay from ``position`` on until the recording ends or ``stop`` is set; what is under way is judged still.

        Raises ``ReplayRefusedError`` when writes are to be replayed without a second copy of the old side.
        """
        if self.writes and self.again is None:
            raise ReplayRefusedError(
                "A write that is sent twice to one side happens twice: give a second copy of old"
            )
        width = 1 if self.writes else max(1, self.concurrency)
        pending: list[asyncio.Task[Triple | None]] = []
        try:
            async for exchange in _from(recording, self.position):
                if stop is not None and stop.is_set():
                    break
                pending.append(asyncio.create_task(self._asked(exchange)))
                if len(pending) >= width:
                    await self._judge(await pending.pop(0), progress)
            while pending:
                await self._judge(await pending.pop(0), progress)
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        return self._progress()

    async def _asked(self, exchange: Exchange) -> Triple | None:
        route = self.route_of(exchange)
        if route is None or (route.effect is Effect.WRITE and not self.writes):
            return None
        first = replace(exchange, answer=await self.old(exchange.request))
        return await self._asker().triple(first, Route(route.template, Effect.READ))

    async def _judge(self, triple: Triple | None, progress: Callable[[ReplayProgress], None]) -> None:
        if triple is None:
            self.counts["left_out"] += 1
        else:
            self.counts["judged"] += 1
            self.counts["failed"] += triple.new.status == 0
            taken = self.judge.take(triple)
            reported = len(taken.reported)
            if taken.reask and not self.writes:
                reported += len(await self._asker().reask(self.judge, triple, taken.reask))
            self.counts["reported"] += reported
        self.position += 1
        progress(self._progress())

    def _asker(self) -> Asker:
        return Asker(old=self.old, again=self.again, new=self.new, budget=None, seed=self.seed)

    def _progress(self) -> ReplayProgress:
        return ReplayProgress(self.position, **self.counts)

    def to_json(self) -> dict[str, Any]:
        """Where the replay stands, with the judge's state: kept beside the recording it resumes from."""
        return {"position": self.position, "counts": dict(self.counts), "judge": self.judge.to_json()}

    def resume(self, given: dict[str, Any]) -> None:
        """Go on from what ``to_json`` returned."""
        self.position, self.counts = given["position"], dict(given["counts"])
        self.judge = Judge.from_json(given["judge"], self.judge.settings)


async def _from(
    recording: Iterable[Exchange] | AsyncIterable[Exchange], position: int
) -> AsyncIterator[Exchange]:
    number = 0
    async for exchange in _each(recording):
        number += 1
        if number > position:
            yield exchange


async def _each(recording: Iterable[Exchange] | AsyncIterable[Exchange]) -> AsyncIterator[Exchange]:
    if isinstance(recording, AsyncIterable):
        async for exchange in recording:
            yield exchange
    else:
        for exchange in recording:
            yield exchange
