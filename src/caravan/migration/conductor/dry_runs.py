"""Writes that the new side does and takes back: sent only after it has shown on a signed GET that it honours dry runs.

One answer that does not say so ends all dry runs for this process, for the side may have written.
"""

import asyncio
from dataclasses import dataclass, field

import structlog

from caravan.core.clock import Clock
from caravan.migration.conductor.dry_run_uses import DryRunUses
from caravan.migration.exchange import Exchange
from caravan.migration.shadow import Ask, DryRunIgnoredError, DryRunKey, Triple, ask_dry_run, probe_dry_runs

__all__ = ["DryRuns"]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class DryRuns:
    """``key`` None: none are sent. ``health`` is a path of the new side for the first try; ``stopped`` says why they ended."""

    ask: Ask
    key: DryRunKey | None
    health: str
    clock: Clock
    stopped: str | None = None
    uses: DryRunUses = field(default_factory=DryRunUses)
    _tried: bool = False
    _trying: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def on(self) -> bool:
        """Whether writes are sent."""
        return self.key is not None and self.stopped is None

    async def run(self, exchange: Exchange, route: str) -> Triple | None:
        """Have the new side do a served write and undo it, and note the rows it tells; None when dry runs have ended."""
        try:
            async with self._trying:
                if self.key is None or self.stopped is not None:
                    return None
                if not self._tried:
                    await probe_dry_runs(self.ask, self.health, self.key, self.clock())
                    self._tried = True
            triple, done = await ask_dry_run(self.ask, exchange, route, self.key, self.clock())
        except DryRunIgnoredError as error:
            self.stopped = error.message
            log.warning("conductor.dry_runs_stopped", problem=error.message)
            return None
        if triple.not_judged is None:
            self.uses.note(str(exchange.id), route, done.rows or ())
        return triple
