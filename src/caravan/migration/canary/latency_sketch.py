"""Durations in narrow buckets: small, addable, and every quantile known up to a bucket's width of one per cent."""

import math
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["LatencySketch"]

_WIDTH: Final = math.log(1.01)
_SMALLEST: Final = 1e-6


@dataclass(slots=True)
class LatencySketch:
    """Counts by bucket; bucket i holds durations above 1.01^(i-1) and up to 1.01^i microseconds."""

    buckets: dict[int, int] = field(default_factory=dict)
    count: int = 0

    def take(self, seconds: float) -> None:
        bucket = max(0, math.ceil(math.log(max(seconds, _SMALLEST) / _SMALLEST) / _WIDTH))
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        self.count += 1

    def ranked(self, rank: int) -> tuple[float, float]:
        """The lower and the upper edge, in seconds, of the bucket with the value of this rank (1 is the smallest)."""
        if rank < 1:
            return 0.0, 0.0
        below = 0
        for bucket in sorted(self.buckets):
            below += self.buckets[bucket]
            if below >= rank:
                return (_edge(bucket - 1) if bucket else 0.0), _edge(bucket)
        return math.inf, math.inf

    def quantile(self, p: float) -> float:
        """The upper edge of the bucket of the empirical quantile; 0 when empty."""
        return self.ranked(math.ceil(p * self.count))[1] if self.count else 0.0

    def to_json(self) -> dict[str, Any]:
        return {"buckets": sorted(self.buckets.items()), "count": self.count}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "LatencySketch":
        return cls(dict(given["buckets"]), given["count"])


def _edge(bucket: int) -> float:
    return _SMALLEST * math.exp(bucket * _WIDTH)
