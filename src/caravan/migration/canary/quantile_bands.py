"""Confidence bands for a quantile that hold at every moment at once.

Howard and Ramdas, "Sequential estimation of quantiles with applications to A/B testing and best-arm identification" (Bernoulli 28(3),
1704-1728, 2022; arXiv 1906.09712). Its theorem 1 is the one for a single, fixed quantile: how many values lie below the quantile is a
sum of centred Bernoulli variables, so any time-uniform boundary for such a sum bounds it by order statistics. Equations 37 and 38 of
version 5 share ties out so that the sum stays centred. Theorem 2 (the empirical process at the rate of the iterated logarithm) and
theorem 3 (double stitching) bound all quantiles at once, which costs width: they and their constants are not used.

The boundary here is the beta-binomial mixture, tightest at a chosen time, with g = p and h = 1 - p, in the one-sided form of Howard,
Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences" (Annals of Statistics 49(2), 2021; arXiv
1810.08240): proposition 8 in its version 9, proposition 7 in older versions and in what the authors' library ConfSeq says of itself (the
two-sided form is the one before). The mixture is cut off at p, so that it is a supermartingale also with ties and with buckets. No
constant is taken over from either paper; the mixture's weight is solved for (``_weight``), and every weight is valid. Applied to
canaries: Lindon, Sanden and Shirikian, "Rapid Regression Detection in Software Deployments through Sequential Testing" (Netflix,
arXiv 2205.14762).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from caravan.migration.canary.beta import log_likelihood, log_lower_tail, log_mixture, log_upper_tail
from caravan.migration.canary.latency_sketch import LatencySketch

__all__ = ["TUNED_FOR", "Band", "quantile_band", "ranks"]

TUNED_FOR: Final = 1_000
"""Values for which the band is tightest unless a file says otherwise; it holds at any number."""


@dataclass(frozen=True, slots=True)
class Band:
    """Seconds; ``low`` and ``high`` each fail, ever, with a chance of at most the alpha asked for."""

    low: float
    middle: float
    high: float
    values: int


def quantile_band(sketch: LatencySketch, p: float, alpha: float, tuned_for: int = TUNED_FOR) -> Band:
    """The band of the p-quantile; ``alpha`` is that of each side, ``tuned_for`` the number of values for which it is tightest."""
    if sketch.count == 0:
        return Band(0.0, 0.0, math.inf, 0)
    lowest, highest = ranks(sketch.count, p, alpha, tuned_for)
    low = sketch.ranked(lowest)[0]
    return Band(low, sketch.quantile(p), sketch.ranked(highest)[1], sketch.count)


@lru_cache(maxsize=10_000)
def ranks(count: int, p: float, alpha: float, tuned_for: int = TUNED_FOR) -> tuple[int, int]:
    """The order statistics, from 1, that bound the p-quantile after ``count`` values; 0 and ``count`` + 1 mean unbounded."""
    threshold = -math.log(alpha)
    weight = _weight(alpha, tuned_for)
    # Fewest values at or below the quantile: the count's rate is at least p, evidence is for a smaller one.
    fewest = _first(0, math.floor(count * p), lambda w: _log_low(w, count - w, p, weight) < threshold)
    # Most values strictly below it: the rate is at most p, evidence is for a larger one.
    most = _first(math.ceil(count * p), count, lambda w: _log_high(w, count - w, p, weight) >= threshold)
    unbounded = _log_high(most, count - most, p, weight) < threshold
    return fewest, count + 1 if unbounded else most


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest number for which a monotone condition holds; ``high`` when none below does."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _weight(alpha: float, tuned_for: int) -> float:
    """Concentration of the mixture, so that the boundary is tight near ``tuned_for`` values.

    The variance of a Beta with this weight is about p(1-p)/weight, that of the mean at that time p(1-p)/n; the boundary's best
    ratio of the two is near 2 ln(1/alpha) + ln(1 + 2 ln(1/alpha)) (Howard et al. 2021, section 3.5).
    """
    level = 2 * math.log(1 / alpha)
    return tuned_for / (level + math.log1p(level))


def _log_high(below: int, above: int, p: float, weight: float) -> float:
    a, b = p * weight, (1 - p) * weight
    cut = log_upper_tail(p, a + below, b + above) - log_upper_tail(p, a, b)
    return log_mixture(below, above, a, b) + cut - log_likelihood(below, above, p)


def _log_low(below: int, above: int, p: float, weight: float) -> float:
    a, b = p * weight, (1 - p) * weight
    cut = log_lower_tail(p, a + below, b + above) - log_lower_tail(p, a, b)
    return log_mixture(below, above, a, b) + cut - log_likelihood(below, above, p)
