"""Takes exchanges as they come by the tap: counts them, tells stage and budget, and picks those that are compared."""

import asyncio
import random
from collections.abc import Callable

from caravan.migration.conductor.comparing import Comparer, Comparison
from caravan.migration.conductor.measurements import SKIPPED, TAKEN
from caravan.migration.conductor.roles import role_tagger
from caravan.migration.conductor.route_finder import RouteFinder
from caravan.migration.conductor.traffic import Traffic
from caravan.migration.conductor.unit_stage import UnitStage, failed, observation_of
from caravan.migration.config import MigrationConfig, Route
from caravan.migration.exchange import Exchange
from caravan.migration.shadow import Budget

__all__ = ["Intake"]


class Intake:
    """``taken`` counts exchanges, over restarts too; ``waiting`` holds those to be compared, and what finds no room is skipped."""

    def __init__(
        self,
        config: MigrationConfig,
        comparer: Comparer,
        traffic: Traffic,
        budget: Budget,
        stage_of: Callable[[str], UnitStage | None],
        *,
        room: int,
    ) -> None:
        self.taken = 0
        self.waiting: asyncio.Queue[Comparison] = asyncio.Queue(room)
        self._config = config
        self._finder = RouteFinder(config)
        self._tagged = role_tagger(config.shadow)
        self._comparer = comparer
        self._traffic = traffic
        self._budget = budget
        self._stage_of = stage_of

    def take(self, exchange: Exchange) -> None:
        """Take one exchange; never waits."""
        self.taken += 1
        TAKEN.inc()
        found = self._finder.find(exchange.request)
        if found is None:
            return self._skip("unknown route")
        name, route = found
        self._count(exchange, name)
        stage = self._stage_of(route.unit) if route.unit else None
        if stage is not None and (seen := observation_of(exchange, name)) is not None:
            stage.observe(seen)
        if route.effect != "read" and ("side:new" in exchange.tags or not self._comparer.dry_runs.on):
            return self._skip("writes are never asked again")
        if not self._is_sampled(exchange, route):
            return self._skip("not in the sample")
        try:
            self.waiting.put_nowait(Comparison(self._tagged(exchange), name, route))
        except asyncio.QueueFull:
            self._skip("too many wait")
        return None

    def _count(self, exchange: Exchange, name: str) -> None:
        tags = exchange.tags
        side = "new" if "side:new" in tags else "old"
        arm = next((arm for arm in ("member", "other") if arm in tags), "")
        seconds = exchange.answer.seconds if exchange.answer.status else None
        self._traffic.served(exchange.at, name, side, arm, seconds, failed=failed(exchange))
        if side == "old" and seconds is not None:
            self._budget.saw(seconds)

    def _is_sampled(self, exchange: Exchange, route: Route) -> bool:
        """In a canary all exchanges are handed over, so the sample is drawn here; the same exchange falls the same way each time."""
        if "member" not in exchange.tags and "other" not in exchange.tags:
            return True
        sample = self._config.sample_of(route)
        return sample >= 1 or random.Random(exchange.id.int).random() < sample  # noqa: S311 - a sample, not a secret

    def _skip(self, reason: str) -> None:
        self._comparer.skip(reason)
        SKIPPED.labels(reason).inc()
