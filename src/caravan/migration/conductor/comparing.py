"""Compares one exchange: asks the sides again where the route only reads and the budget allows, and tells judge and stage."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from caravan.migration.conductor.dry_runs import DryRuns
from caravan.migration.conductor.measurements import ASKED, JUDGED
from caravan.migration.conductor.mismatch import differs
from caravan.migration.conductor.overview_traffic import ASKED as ASKED_ARM
from caravan.migration.conductor.traffic import Traffic
from caravan.migration.conductor.unit_judges import UnitJudges
from caravan.migration.conductor.unit_stage import UnitStage, observation_of
from caravan.migration.config import Route
from caravan.migration.exchange import Exchange
from caravan.migration.shadow import Ask, Asker, Budget, Effect, Triple
from caravan.migration.shadow import Route as AskedRoute

__all__ = ["Comparer", "Comparison"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """An exchange that waits to be compared, with its route and the route's name."""

    exchange: Exchange
    name: str
    route: Route


@dataclass(slots=True)
class Comparer:
    """``silent`` counts answers of the new side that did not come, in a row; ``judged`` and ``skipped`` are for the overview.

    ``dry_runs`` carries writes out on the new side and takes them back.
    """

    judges: UnitJudges
    traffic: Traffic
    asker: Asker
    old: Ask
    budget: Budget
    stage_of: Callable[[str], UnitStage | None]
    dry_runs: DryRuns
    judged: int = 0
    silent: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    async def compare(self, wanted: Comparison) -> None:
        """Compare one exchange, whichever side answered it."""
        if wanted.route.effect == "write":
            await self._as_dry_run(wanted)
        elif "side:new" in wanted.exchange.tags:
            await self._against_old(wanted)
        else:
            await self._as_triple(wanted)

    def skip(self, reason: str) -> None:
        """Note an exchange that is not compared."""
        self.skipped[reason] += 1

    async def _against_old(self, wanted: Comparison) -> None:
        """A member's answer of the new side: old is asked what it would have said, for the stage's mismatches."""
        exchange, name = wanted.exchange, wanted.name
        if "member" not in exchange.tags:
            return self.skip("served by the new side")
        if exchange.answer.status == 0 or exchange.request.body.content is None:
            return self.skip("no answer to compare")
        if not self.budget.take(1):
            return self.skip("over budget")
        ASKED.labels("old").inc()
        old = await self.old(exchange.request)
        if old.status == 0:
            return self.skip("old gave no answer")
        judge = self.judges.of(wanted.route.unit)
        mismatch = differs(judge, name, old, exchange.answer, exchange.at.date(), other_is_new=True)
        self._observe(wanted, mismatch=mismatch)
        self._count(wanted, differing=mismatch)
        return None

    async def _as_dry_run(self, wanted: Comparison) -> None:
        """A write that old served: new does it and takes it back. What differs is unconfirmed: nothing is asked twice."""
        if wanted.exchange.request.body.content is None:
            return self.skip("its body was not kept")
        triple = await self.dry_runs.run(wanted.exchange, wanted.name)
        if triple is None:
            return self.skip("dry runs have ended")
        ASKED.labels("new").inc()
        self.judges.of(wanted.route.unit).take(triple)
        self.judges.changed.add(wanted.route.unit or "")
        if triple.not_judged is not None:
            return self.skip(triple.not_judged)
        judge, today = self.judges.of(wanted.route.unit), triple.at.date()
        wrong = differs(judge, wanted.name, triple.old, triple.new, today, other_is_new=True)
        self._count(wanted, differing=wrong)
        return None

    async def _as_triple(self, wanted: Comparison) -> None:
        exchange, route = wanted.exchange, wanted.route
        triple = await self.asker.triple(exchange, AskedRoute(wanted.name, Effect(route.effect)))
        if triple is None:
            return self.skip("its body was not kept")
        self._asked(wanted, triple)
        judge = self.judges.of(route.unit)
        taken = judge.take(triple)
        self.judges.changed.add(route.unit or "")
        if triple.not_judged is not None or triple.old.status == 0:
            return self.skip(triple.not_judged or "old gave no answer")
        today = triple.at.date()
        new_differs = differs(judge, wanted.name, triple.old, triple.new, today, other_is_new=True)
        self._count(wanted, differing=new_differs)
        if triple.again is not None and "other" in exchange.tags:
            noise = differs(judge, wanted.name, triple.old, triple.again, today, other_is_new=False)
            self._observe(wanted, mismatch=noise)
        if taken.reask:
            await self.asker.reask(judge, triple, taken.reask)
        return None

    def _asked(self, wanted: Comparison, triple: Triple) -> None:
        ASKED.labels("new").inc()
        if triple.again is not None:
            ASKED.labels("old").inc()
        new = triple.new
        self.silent = self.silent + 1 if new.status == 0 else 0
        self.traffic.served(
            triple.at,
            wanted.name,
            "new",
            ASKED_ARM,
            new.seconds if new.status else None,
            failed=new.status == 0 or new.status >= 500,  # noqa: PLR2004 - an error of the server's own
        )

    def _observe(self, wanted: Comparison, *, mismatch: bool) -> None:
        unit = wanted.route.unit
        stage = self.stage_of(unit) if unit else None
        seen = observation_of(wanted.exchange, wanted.name, mismatch=mismatch)
        if stage is not None and seen is not None:
            stage.observe(seen)

    def _count(self, wanted: Comparison, *, differing: bool) -> None:
        self.judged += 1
        self.traffic.judged(wanted.exchange.at, wanted.name, differing=differing)
        JUDGED.labels(wanted.name, str(differing).lower()).inc()
