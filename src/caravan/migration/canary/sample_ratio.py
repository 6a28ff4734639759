"""Is the split what it was meant to be? If keys do not arrive in their share, no other figure of the stage can be trusted.

Lindon and Malek (NeurIPS 2022), section 2: the Bayes factor of a Beta prior around the declared share against the share itself.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from caravan.migration.canary.beta import log_likelihood, log_mixture

__all__ = ["RATIO_WEIGHT", "SampleRatio"]

RATIO_WEIGHT: Final = 500.0
"""c + d of the prior: a split that is off is off by a little, so the prior stays near the share."""


@dataclass(slots=True)
class SampleRatio:
    """Distinct keys by side; ``share`` is the declared one of the canary."""

    share: float
    canary: int = 0
    baseline: int = 0

    def take(self, *, in_canary: bool) -> None:
        """Take a key that was not seen before."""
        if in_canary:
            self.canary += 1
        else:
            self.baseline += 1

    @property
    def log_factor(self) -> float:
        """The natural logarithm of the Bayes factor against the declared share."""
        c, d = self.share * RATIO_WEIGHT, (1 - self.share) * RATIO_WEIGHT
        mixed = log_mixture(self.canary, self.baseline, c, d)
        return mixed - log_likelihood(self.canary, self.baseline, self.share)

    def mismatched(self, alpha: float) -> bool:
        """Tell whether the split is another one; ever wrongly with a chance of at most alpha."""
        return self.log_factor >= -math.log(alpha)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "SampleRatio":
        return cls(**given)
