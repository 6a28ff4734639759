"""A decision with all the figures it rests on, as it goes into the journal."""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["Action", "CountFigures", "Decision", "LatencyFigures", "RatioFigures"]


class Action(StrEnum):
    PROMOTE = "promote"
    HOLD = "hold"
    ROLL_BACK = "roll back"


@dataclass(frozen=True, slots=True)
class CountFigures:
    """One metric: keys with the event by side, the Bayes factor against ``rolls_back_at``, the bound against ``promotes_below``.

    For what the business wants (``fewer_is_worse``) the bound is a lower one and ``promotes_below`` the least that is enough.
    """

    metric: str
    fewer_is_worse: bool
    decides: bool
    canary_events: int
    baseline_events: int
    canary_keys: int
    baseline_keys: int
    log_factor: float
    rolls_back_at: float
    bound: float
    promotes_below: float
    harmed: bool
    safe: bool


@dataclass(frozen=True, slots=True)
class LatencyFigures:
    """Seconds: the bands of the quantile on both sides; harm is ``canary_low`` above ``rolls_back_above``."""

    stratum: str
    quantile: float
    canary_low: float
    canary: float
    canary_high: float
    baseline_low: float
    baseline: float
    baseline_high: float
    canary_values: int
    baseline_values: int
    rolls_back_above: float
    promotes_below: float
    harmed: bool
    safe: bool


@dataclass(frozen=True, slots=True)
class RatioFigures:
    """Distinct keys by side against the declared share."""

    share: float
    canary_keys: int
    baseline_keys: int
    log_factor: float
    mismatched_at: float
    mismatched: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """``reasons`` are sentences; whoever reads the journal can do the sums again from the figures."""

    action: Action
    stage: str
    at: datetime
    alpha: float
    reasons: tuple[str, ...]
    ratio: RatioFigures
    counts: tuple[CountFigures, ...]
    latencies: tuple[LatencyFigures, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; infinities as text, because JSON has none."""
        plain: dict[str, Any] = _finite(asdict(self))
        return plain | {"action": self.action.value, "at": self.at.isoformat()}


def _finite(value: Any) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and value in {float("inf"), float("-inf")}:
        return str(value)
    return value
