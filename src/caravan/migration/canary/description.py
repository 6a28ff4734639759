"""What the latencies of a finished stage look like, for readers: fixed-horizon figures that decide nothing.

Mann and Whitney's U with ties and its normal approximation, and Cliff's delta as the size of the effect.
"""

import math
from dataclasses import dataclass

from caravan.migration.canary.latency_sketch import LatencySketch

__all__ = ["Description", "describe"]


@dataclass(frozen=True, slots=True)
class Description:
    """``delta`` from -1 (canary always faster) to 1; ``p_value`` is of one look, at the end, and of no more than one."""

    label: str
    delta: float
    p_value: float
    medians: tuple[float, float]


def describe(canary: LatencySketch, baseline: LatencySketch) -> Description | None:
    """Compare both sides' durations by rank; None while one has no values."""
    n, m = canary.count, baseline.count
    if n == 0 or m == 0:
        return None
    below = wins = ties = 0.0
    for bucket in sorted({*canary.buckets, *baseline.buckets}):
        here, there = canary.buckets.get(bucket, 0), baseline.buckets.get(bucket, 0)
        wins += here * (below + there / 2)
        below += there
        ties += (here + there) ** 3 - (here + there)
    total = n + m
    variance = n * m / 12 * ((total + 1) - ties / (total * (total - 1))) if total > 1 else 0.0
    z = (wins - n * m / 2) / math.sqrt(variance) if variance > 0 else 0.0
    return Description(
        "fixed-horizon: described once at the end of the stage, decides nothing",
        2 * wins / (n * m) - 1,
        math.erfc(abs(z) / math.sqrt(2)),
        (canary.quantile(0.5), baseline.quantile(0.5)),
    )
