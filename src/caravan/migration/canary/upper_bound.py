"""Bounds for the rate of an event that hold at every moment at once: "no alarm" is not "safe", a bound is.

For a candidate rate r the likelihood ratio of a fixed mixture against r is a martingale, if r is the rate; by Ville's inequality it
ever reaches 1/alpha with a chance of at most alpha. The rates that it has not thrown out are the confidence sequence (Robbins 1970;
Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", 2021).
"""

import math
from typing import Final

from caravan.migration.canary.beta import log_likelihood, log_mixture, log_sum

__all__ = ["DECLARED_RATE", "lower_rate", "upper_rate"]

DECLARED_RATE: Final = 0.001
"""r0: a rate below it is safe whatever the baseline has."""

_NEVER, _RARE, _ANY = 0.7, 0.15, 0.15
"""Weights of the mixture: rate 0 (so that about 3,300 keys without an event show a rate below 0.1 %), around r0, anywhere."""


def _log_mixed(events: int, rest: int, declared: float) -> float:
    never = math.log(_NEVER) if events == 0 else -math.inf
    rare = math.log(_RARE) + log_mixture(events, rest, 0.5, 0.5 / declared)
    return log_sum(never, rare, math.log(_ANY) + log_mixture(events, rest, 0.5, 0.5))


def upper_rate(events: int, keys: int, alpha: float, declared: float = DECLARED_RATE) -> float:
    """The largest rate that is not thrown out after ``events`` among ``keys``; 1 before the first key."""
    if keys == 0 or events >= keys:
        return 1.0
    return _edge(events, keys, alpha, declared, events / keys, 1.0)


def lower_rate(events: int, keys: int, alpha: float, declared: float = DECLARED_RATE) -> float:
    """The smallest rate that is not thrown out."""
    if events == 0:
        return 0.0
    return _edge(events, keys, alpha, declared, events / keys, 0.0)


def _edge(events: int, keys: int, alpha: float, declared: float, inside: float, outside: float) -> float:
    """Halve between a rate that is kept and one that is thrown out; between them the ratio is monotone."""
    mixed = _log_mixed(events, keys - events, declared) + math.log(alpha)
    for _ in range(60):
        middle = (inside + outside) / 2
        if middle in {inside, outside}:
            break
        if mixed >= log_likelihood(events, keys - events, middle):
            outside = middle
        else:
            inside = middle
    return outside
