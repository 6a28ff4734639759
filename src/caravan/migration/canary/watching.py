"""Looks at a stage each second and acts on what it says: a rollback does not wait for a person."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from caravan.core.clock import utc_now
from caravan.migration.canary.counters import Counter
from caravan.migration.canary.deciding import decide
from caravan.migration.canary.decisions import Action, Decision
from caravan.migration.canary.errors import CounterUnreadableError
from caravan.migration.canary.stage import Observation, Stage

__all__ = ["watch"]


async def watch(
    stage: Stage,
    *,
    observations: Callable[[], Awaitable[Iterable[Observation]]],
    journal: Callable[[Decision], Awaitable[None]],
    act: Callable[[Decision], Awaitable[None]],
    counters: Iterable[Counter] = (),
    every: float = 1.0,
    now: Callable[[], datetime] = utc_now,
) -> Decision:
    """Look every ``every`` seconds until the stage is promoted or rolled back; return that decision.

    ``observations`` returns what happened since it was last asked. A decision is in the ``journal`` before it is acted on; a
    hold is written when its reasons change in kind, not at every look.
    """
    read = list(counters)
    last: tuple[Action, int] | None = None
    while True:
        for seen in await observations():
            stage.observe(seen)
        await _read(stage, read)
        decision = decide(stage, now())
        if (decision.action, len(decision.reasons)) != last:
            await journal(decision)
            last = decision.action, len(decision.reasons)
        if decision.action is not Action.HOLD:
            await act(decision)
            return decision
        await asyncio.sleep(every)


async def _read(stage: Stage, counters: list[Counter]) -> None:
    for counter in counters:
        try:
            stage.read_counter(counter.name, await counter.read())
        except CounterUnreadableError as error:
            stage.miss_counter(counter.name, error.message)
