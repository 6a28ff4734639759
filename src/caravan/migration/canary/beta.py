"""The beta distribution's numbers, in logarithms: what the tests of this room are made of."""

import math
from typing import Final

__all__ = ["log_beta", "log_likelihood", "log_lower_tail", "log_mixture", "log_sum", "log_upper_tail"]

_TINY: Final = 1e-300
_STEPS: Final = 10_000
_EXACT: Final = 1e-14


def log_beta(a: float, b: float) -> float:
    """Return ln B(a, b)."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def log_lower_tail(x: float, a: float, b: float) -> float:
    """Return ln I_x(a, b), the regularised incomplete beta function: ln P(Beta(a, b) ≤ x).

    Continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, by the modified Lentz method; where it
    converges slowly, the symmetry I_x(a, b) = 1 - I_(1-x)(b, a).
    """
    if x <= 0:
        return -math.inf
    if x >= 1:
        return 0.0
    if x > (a + 1) / (a + b + 2):
        return _log_one_minus(_log_by_fraction(1 - x, b, a))
    return _log_by_fraction(x, a, b)


def log_upper_tail(x: float, a: float, b: float) -> float:
    """Return ln P(Beta(a, b) > x)."""
    return log_lower_tail(1 - x, b, a)


def _log_by_fraction(x: float, a: float, b: float) -> float:
    """Return ln I_x(a, b) by the fraction alone, on whichever side of the mode: both sides of a tie end here."""
    front = a * math.log(x) + b * math.log1p(-x) - math.log(a) - log_beta(a, b)
    return min(0.0, front - math.log(_fraction(x, a, b)))


def _fraction(x: float, a: float, b: float) -> float:
    """The value of 1 + d1/(1 + d2/(1 + …)) of DLMF 8.17.22."""
    value, upper, lower = 1.0, 1.0, 0.0
    for step in range(1, _STEPS):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / _nonzero(1 + term * lower)
        upper = _nonzero(1 + term / upper)
        value *= upper * lower
        if abs(upper * lower - 1) < _EXACT:
            break
    return value


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _log_one_minus(log_p: float) -> float:
    if log_p >= 0:
        return -math.inf
    return math.log(-math.expm1(log_p)) if log_p > -math.log(2) else math.log1p(-math.exp(log_p))


def log_likelihood(successes: int, failures: int, p: float) -> float:
    """Return ln(p^successes · (1 - p)^failures), with 0·ln 0 = 0."""
    first = successes * math.log(p) if successes else 0.0
    return first + (failures * math.log1p(-p) if failures else 0.0)


def log_mixture(successes: int, failures: int, a: float, b: float) -> float:
    """Return ln of the likelihood averaged over p from Beta(a, b)."""
    return log_beta(a + successes, b + failures) - log_beta(a, b)


def log_sum(*terms: float) -> float:
    """Return ln of the sum of exponentials."""
    most = max(terms)
    return most + math.log(sum(math.exp(term - most) for term in terms)) if most > -math.inf else most
