"""Kayenta's default judge and fixed thresholds, restated as formulas from their documentation; none of their code was used.

Kayenta: one value per minute and side. With the canary's minutes X and the baseline's Y, the Hodges-Lehmann estimate of the shift is
the median of all x - y, its 98 % interval [lo, hi] the order statistics of these differences that Mann and Whitney's U gives (normal
approximation). A metric is High when lo > 0.25 * |estimate|. Two metrics of equal weight: one High makes the score 50, below the
pass mark, and the canary is rolled back. Looked at every minute from the fifth on.

Fixed thresholds (as Flagger's defaults): a minute fails when the canary's error rate is above 1 % or its p95 above 500 ms; five
failed minutes roll back.
"""

import math
from typing import Final

CONFIDENCE_Z: Final = 2.3263
TOLERANCE: Final = 0.25
FIRST_LOOK: Final = 5


def is_high(canary: list[float], baseline: list[float]) -> bool:
    """Tell whether Kayenta calls a metric High after these minutes."""
    n, m = len(canary), len(baseline)
    shifts = sorted(x - y for x in canary for y in baseline)
    if shifts[0] == shifts[-1]:
        return False
    middle = shifts[len(shifts) // 2]
    rank = math.floor(n * m / 2 - CONFIDENCE_Z * math.sqrt(n * m * (n + m + 1) / 12))
    return rank >= 1 and shifts[rank - 1] > TOLERANCE * abs(middle)


def thresholds_roll_back(error_rates: list[float], p95s: list[float]) -> bool:
    """Tell whether five minutes of the canary have failed by now."""
    failed = sum(rate > 0.01 or p95 > 0.5 for rate, p95 in zip(error_rates, p95s, strict=True))
    return failed >= 5
