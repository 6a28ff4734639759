"""What was served and compared, in buckets of ten seconds, until it is written down."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from caravan.migration.canary.latency_sketch import LatencySketch

__all__ = ["BUCKET_SECONDS", "Bucket", "BucketKey", "Traffic"]

BUCKET_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class BucketKey:
    """``arm`` is ``member`` or ``other`` in a canary, ``asked`` for requests of our own, empty else."""

    at: datetime
    route: str
    side: str
    arm: str


@dataclass(slots=True)
class Bucket:
    """Sums of one bucket. ``seconds`` is the sum of durations, ``latencies`` their sketch."""

    requests: int = 0
    errors: int = 0
    judged: int = 0
    differing: int = 0
    seconds: float = 0.0
    latencies: LatencySketch = field(default_factory=LatencySketch)

    def as_row(self, key: BucketKey) -> dict[str, Any]:
        """Return the columns of ``engine.route_traffic``."""
        return {
            "at": key.at,
            "route": key.route,
            "side": key.side,
            "arm": key.arm,
            "requests": self.requests,
            "errors": self.errors,
            "judged": self.judged,
            "differing": self.differing,
            "seconds": self.seconds,
            "latencies": self.latencies.to_json(),
        }


class Traffic:
    """Buckets since the process began; a bucket is written again whole while it changes, so writing twice adds nothing."""

    def __init__(self) -> None:
        self._buckets: dict[BucketKey, Bucket] = {}
        self._changed: set[BucketKey] = set()

    def restore(self, rows: Iterator[tuple[BucketKey, Bucket]]) -> None:
        """Go on with buckets that were written by whoever ran before."""
        self._buckets.update(rows)

    def served(
        self, at: datetime, route: str, side: str, arm: str, seconds: float | None, *, failed: bool
    ) -> None:
        """Count one answer; without a duration (no answer) latencies stay as they are."""
        bucket = self._bucket(BucketKey(_start(at), route, side, arm))
        bucket.requests += 1
        bucket.errors += failed
        if seconds is not None:
            bucket.seconds += seconds
            bucket.latencies.take(seconds)

    def judged(self, at: datetime, route: str, *, differing: bool) -> None:
        """Count one comparison, beside the old side."""
        bucket = self._bucket(BucketKey(_start(at), route, "old", "asked"))
        bucket.judged += 1
        bucket.differing += differing

    def take_changed(self, now: datetime) -> list[dict[str, Any]]:
        """Return the rows that changed since this was last asked, and forget buckets that are over."""
        rows = [self._buckets[key].as_row(key) for key in self._changed]
        self._changed.clear()
        over = [key for key in self._buckets if (now - key.at).total_seconds() > 12 * BUCKET_SECONDS]
        for key in over:
            del self._buckets[key]
        return rows

    def put_back(self, rows: list[dict[str, Any]]) -> None:
        """Have rows written again that could not be; what came since is in their buckets already."""
        keys = {BucketKey(row["at"], row["route"], row["side"], row["arm"]) for row in rows}
        self._changed |= keys & self._buckets.keys()

    def _bucket(self, key: BucketKey) -> Bucket:
        self._changed.add(key)
        return self._buckets.setdefault(key, Bucket())


def _start(at: datetime) -> datetime:
    seconds = int(at.timestamp()) // BUCKET_SECONDS * BUCKET_SECONDS
    return datetime.fromtimestamp(seconds, UTC)
