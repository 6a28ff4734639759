"""Does an event happen to the canary more often than its share of the traffic explains? Looked at after each event, for ever.

Lindon and Malek, "Anytime-Valid Inference for Multinomial Count Data" (NeurIPS 2022): while nobody is harmed, an event belongs to
the canary with probability rho, the canary's share, whatever the rate of events and however it drifts. The one-sided Bayes factor
of a Beta(c, d) prior cut off at rho is a supermartingale for every share up to rho, so that it ever reaches 1/alpha has a
chance of at most alpha (Ville). An event is that of one randomised unit: a cohort key, once per metric and stage.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from caravan.migration.canary.beta import log_likelihood, log_mixture, log_upper_tail

__all__ = ["PRIOR_WEIGHT", "EventSplit", "log_bayes_factor"]

PRIOR_WEIGHT: Final = 4.0
"""c + d: how many events the prior is worth; its mean is rho."""


def log_bayes_factor(canary: int, baseline: int, share: float, weight: float = PRIOR_WEIGHT) -> float:
    """Return ln of [∫ over p from rho to 1 of p^x (1-p)^y Beta(p; c, d) / P(Beta > rho)] / (rho^x (1-rho)^y)."""
    if canary + baseline == 0:
        return 0.0
    c, d = share * weight, (1 - share) * weight
    mixed = log_mixture(canary, baseline, c, d)
    cut = log_upper_tail(share, c + canary, d + baseline) - log_upper_tail(share, c, d)
    return mixed + cut - log_likelihood(canary, baseline, share)


@dataclass(slots=True)
class EventSplit:
    """Events of one metric by side. ``fewer_is_worse`` turns the question round: for orders placed, not for errors."""

    share: float
    fewer_is_worse: bool = False
    canary: int = 0
    baseline: int = 0

    def take(self, *, in_canary: bool) -> None:
        """Take the event of one key."""
        if in_canary:
            self.canary += 1
        else:
            self.baseline += 1

    @property
    def log_factor(self) -> float:
        """The natural logarithm of the Bayes factor for harm."""
        if self.fewer_is_worse:
            return log_bayes_factor(self.baseline, self.canary, 1 - self.share)
        return log_bayes_factor(self.canary, self.baseline, self.share)

    def harmed(self, alpha: float) -> bool:
        return self.log_factor >= -math.log(alpha)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "EventSplit":
        return cls(**given)
