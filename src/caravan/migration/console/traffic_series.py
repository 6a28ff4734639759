"""What both sides served and how long they took, minute piece by minute piece, for charts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg

from caravan.migration.canary.latency_sketch import LatencySketch
from caravan.migration.units import Scope

__all__ = ["PIECE_SECONDS", "Piece", "SidePiece", "series"]

PIECE_SECONDS: Final = 10
_ASKED: Final = "asked"
_ROWS: Final = """
SELECT at, side, arm, requests, errors, judged, differing, latencies FROM engine.route_traffic
WHERE org_id = %(org)s AND migration = %(migration)s AND at > %(since)s
    AND (%(routes)s::text[] IS NULL OR route = ANY(%(routes)s))
"""


@dataclass(slots=True)
class SidePiece:
    """One side in ten seconds. A side that serves no client is timed by the requests the conductor sent it."""

    requests: int = 0
    errors: int = 0
    served: LatencySketch = field(default_factory=LatencySketch)
    own: LatencySketch = field(default_factory=LatencySketch)

    @property
    def per_second(self) -> float:
        return self.requests / PIECE_SECONDS

    def quantile(self, p: float) -> float | None:
        """Return a quantile of the durations, in seconds; None when nothing was timed."""
        sketch = self.served if self.served.count else self.own
        return sketch.quantile(p) if sketch.count else None


@dataclass(slots=True)
class Piece:
    """Ten seconds from ``at`` on."""

    at: datetime
    old: SidePiece = field(default_factory=SidePiece)
    new: SidePiece = field(default_factory=SidePiece)
    judged: int = 0
    differing: int = 0

    @property
    def mismatch(self) -> float | None:
        """The share of compared exchanges that differed."""
        return self.differing / self.judged if self.judged else None


def series(
    connection: psycopg.Connection,
    scope: Scope,
    now: datetime,
    minutes: float,
    routes: Collection[str] | None = None,
) -> Sequence[Piece]:
    """Return every ten seconds of the last minutes, the oldest first, those without traffic too."""
    count = int(minutes * 60 / PIECE_SECONDS)
    last = int(now.timestamp()) // PIECE_SECONDS * PIECE_SECONDS
    starts = [datetime.fromtimestamp(last - PIECE_SECONDS * back, UTC) for back in reversed(range(count))]
    pieces = {start: Piece(start) for start in starts}
    given = {
        **scope.parameters,
        "since": starts[0] - timedelta(seconds=1),
        "routes": None if routes is None else list(routes),
    }
    for row in connection.execute(_ROWS.encode(), given):
        if (piece := pieces.get(row[0])) is not None:
            _add(piece, row)
    return list(pieces.values())


def _add(piece: Piece, row: tuple[Any, ...]) -> None:
    _, side, arm, requests, errors, judged, differing, latencies = row
    piece.judged += judged
    piece.differing += differing
    one = piece.old if side == "old" else piece.new
    sketch = one.own if arm == _ASKED else one.served
    if arm != _ASKED:
        one.requests += requests
        one.errors += errors
    for bucket, number in LatencySketch.from_json(latencies).buckets.items():
        sketch.buckets[bucket] = sketch.buckets.get(bucket, 0) + number
        sketch.count += number
