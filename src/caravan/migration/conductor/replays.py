"""Asks both sides again about a difference's example when a person wants it: within the budget, and never more than it allows."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from caravan.core.clock import Clock
from caravan.core.ids import uuid7
from caravan.migration.conductor.redacted_examples import RedactedExamples
from caravan.migration.conductor.unit_judges import UnitJudges
from caravan.migration.recording.redaction import missing_from
from caravan.migration.shadow import Asker, Budget, Example, PairReplay, minimal_pair, replay_pair

__all__ = ["DONE", "Replays"]

log = structlog.get_logger(__name__)

DONE: Final = "done"
_TIMES: Final = 3
_LOOK_EVERY: Final = 0.1


@dataclass(slots=True)
class Replays:
    """``example_of`` gives unit and example of a difference, as they came by the tap. ``changed`` waits to be saved, by id.

    ``patience``: seconds that a wish waits for the budget.
    """

    judges: UnitJudges
    asker: Asker
    budget: Budget
    redacted: RedactedExamples
    example_of: Callable[[str], tuple[str, Example] | None]
    clock: Clock
    patience: float = 30.0
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def begin(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Start what is wanted and does not run: pairs of a difference's id and who wants it."""
        for identity, by in wanted:
            if identity not in self._running and identity not in self.changed:
                self._running[identity] = asyncio.create_task(self._run(identity, by))

    def take_changed(self) -> dict[str, dict[str, Any]]:
        """Return what has to be saved, and take it as saved."""
        documents, self.changed = self.changed, {}
        return documents

    async def close(self) -> None:
        """Stop asking."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _run(self, identity: str, by: str) -> None:
        try:
            found = await self._asked(identity)
        except Exception as error:
            log.exception("conductor.not_replayed", difference=identity)
            found = {"outcome": "failed", "said": str(error)}
        finally:
            del self._running[identity]
        self.changed[identity] = {"state": DONE, "by": by, "at": self.clock().isoformat(), **found}

    async def _asked(self, identity: str) -> Mapping[str, Any]:
        known = self.example_of(identity)
        if known is None:
            return {"outcome": "unknown", "said": "the example is gone; it comes again with the next request"}
        unit, example = known
        if missing := missing_from(example.request):
            said = (
                f"nobody was asked: {' and '.join(missing)} of the example held secrets, which are never written down, so they were lost"
                " when the conductor started anew; the next request that differs here becomes the example: ask again then"
            )
            return {"outcome": "unknown", "said": said}
        if not await self._may_ask():
            said = (
                self.budget.report().stopped
                or "the old side was asked as often as [shadow] extra_load allows"
            )
            return {"outcome": "over budget", "said": said}
        judge = self.judges.of(unit)
        state, settings = judge.routes[example.route], judge.settings
        ignored = settings.ignored(example.route)
        declared = settings.declared.get(example.route, {}), settings.declared_sets.get(example.route, {})
        rules, hosts = state.rules(*declared, ignored), (settings.old_hosts, settings.new_hosts)
        asked = await replay_pair(example, example.spot, self.asker, times=_TIMES, rules=rules, hosts=hosts)
        return self._told(example, asked)

    async def _may_ask(self) -> bool:
        """Wait a while until the budget has what is needed: what the conductor asks by itself would use it up for ever."""
        self.budget.promise(_TIMES)
        deadline = time.monotonic() + self.patience
        while not self.budget.keep_promise(_TIMES):
            if time.monotonic() >= deadline or self.budget.slow:
                return self.budget.keep_promise(_TIMES, wanted=False)
            await asyncio.sleep(_LOOK_EVERY)
        return True

    def _told(self, example: Example, asked: PairReplay) -> Mapping[str, Any]:
        """The new pair, cut down and without secrets."""
        fresh = replace(example, id=uuid7(), at=self.clock(), old=asked.old, new=asked.new)
        pair = minimal_pair(self.redacted.of(fresh))
        return {
            "outcome": asked.outcome.value,
            "said": f"{asked.differed} of {asked.pairs} pairs differ here, {asked.noisy} pairs of one side alone",
            "root": pair.root,
            "old": pair.old,
            "new": pair.new,
        }
