"""The stage with everybody in it: nobody is left to compare with, so its error rate is held against the declared one alone.

The bounds hold at every moment at once (``canary.upper_bound``): "too many errors" and "few enough" are both proven, never assumed.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from caravan.migration.canary import ERRORS, Action, CountFigures, Decision, Observation, RatioFigures
from caravan.migration.canary.cohort_keys import CohortKeys
from caravan.migration.canary.upper_bound import lower_rate, upper_rate
from caravan.migration.config import MigrationConfig

__all__ = ["LastStage", "LastStageSettings"]

_KEYS: Final = "keys"
_PROMOTE_ALPHA: Final = 0.05


@dataclass(frozen=True, slots=True)
class LastStageSettings:
    """``rate`` is the share of keys with an error that is declared harmless; ``least`` and ``least_keys`` as in other stages."""

    name: str
    rate: float
    alpha: float
    warm_up: timedelta
    least: timedelta
    least_keys: int

    @classmethod
    def of(cls, config: MigrationConfig, percent: float) -> "LastStageSettings":
        gates = config.gates
        return cls(
            f"{percent:g}%",
            max(gates.r0, 1e-6),
            gates.alpha,
            timedelta(seconds=config.canary.warm_up),
            timedelta(seconds=gates.soak),
            gates.min_keys,
        )


@dataclass(slots=True)
class LastStage:
    """Keys seen, and those with an error; plain, so that it can be kept and gone on with."""

    settings: LastStageSettings
    started: datetime
    keys: CohortKeys = field(default_factory=CohortKeys)
    seen: int = 0
    failed: int = 0

    def observe(self, observation: Observation) -> None:
        """Take what one request showed; a key counts once, and once with an error."""
        if observation.at < self.started + self.settings.warm_up:
            return
        self.seen += self.keys.first(_KEYS, observation.key)
        if ERRORS in observation.events:
            self.failed += self.keys.first(ERRORS, observation.key)

    def decide(self, now: datetime) -> Decision:
        """Roll back when the error rate is surely above the declared one, promote when it is surely below."""
        settings, rate = self.settings, self.settings.rate
        failed = min(self.failed, self.seen)
        low = lower_rate(failed, self.seen, settings.alpha, rate)
        high = upper_rate(failed, self.seen, _PROMOTE_ALPHA, rate)
        doubts = []
        if now < self.started + settings.warm_up + settings.least:
            doubts.append(f"the stage is younger than {settings.warm_up + settings.least}")
        if self.seen < settings.least_keys:
            doubts.append(f"{self.seen} keys have been seen, {settings.least_keys} have to")
        if high > rate:
            doubts.append(f"{ERRORS}: the bound {high:.4%} is not yet within {rate:.4%}")
        if low > rate:
            action, reasons = (
                Action.ROLL_BACK,
                [f"{ERRORS}: surely more than {low:.4%} of keys; {rate:.4%} was declared"],
            )
        elif doubts:
            action, reasons = Action.HOLD, doubts
        else:
            action, reasons = Action.PROMOTE, ["every bound is within what was declared"]
        counts = CountFigures(
            metric=ERRORS,
            fewer_is_worse=False,
            decides=True,
            canary_events=failed,
            baseline_events=0,
            canary_keys=self.seen,
            baseline_keys=0,
            log_factor=0.0,
            rolls_back_at=0.0,
            bound=high,
            promotes_below=rate,
            harmed=low > rate,
            safe=high <= rate,
        )
        ratio = RatioFigures(1.0, self.seen, 0, 0.0, 0.0, mismatched=False)
        return Decision(action, settings.name, now, settings.alpha, tuple(reasons), ratio, (counts,), ())

    def to_json(self) -> dict[str, Any]:
        return {
            "started": self.started.isoformat(),
            "keys": self.keys.to_json(),
            "seen": self.seen,
            "failed": self.failed,
        }

    @classmethod
    def from_json(cls, given: dict[str, Any], settings: LastStageSettings) -> "LastStage":
        started = datetime.fromisoformat(given["started"])
        return cls(settings, started, CohortKeys.from_json(given["keys"]), given["seen"], given["failed"])
