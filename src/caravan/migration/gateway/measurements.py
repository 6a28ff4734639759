"""What the gateway counts. Counting is a few additions per request; Prometheus gets the sums once a second.

The metrics' own objects take locks and look labels up, which would cost more than routing a request.
"""

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from caravan.migration.gateway.flight import Flight

__all__ = ["Counts", "Measurements"]

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS: Final = Counter(
    "caravan_gateway_requests_total",
    "Requests answered, by who answered and how",
    ("route", "side", "arm", "status"),
)
SECONDS: Final = Counter(
    "caravan_gateway_request_seconds_sum_total",
    "Seconds from head to end of answer, in sum",
    ("route", "side", "arm"),
)
WITHIN: Final = Counter(
    "caravan_gateway_requests_within_total",
    "Requests answered within so many seconds (not cumulative)",
    ("route", "side", "arm", "le"),
)
REFUSED: Final = Counter("caravan_gateway_refused_total", "Requests the gateway answered itself", ("code",))
EVENTS: Final = Counter("caravan_gateway_events_total", "What happened, by kind", ("event",))
NOW: Final = Gauge(
    "caravan_gateway_now", "What there is at the moment", ("what",), multiprocess_mode="livesum"
)
VERSION: Final = Gauge(
    "caravan_gateway_table_version", "The route table applied", multiprocess_mode="livemin"
)


class Counts:
    """Plain sums since the last hand-over, each named as its event."""

    __slots__ = ("fallbacks", "held", "tap_dropped", "tapped", "unknown")

    def __init__(self) -> None:
        self.fallbacks = 0
        self.held = 0
        self.unknown = 0
        self.tapped = 0
        self.tap_dropped = 0


class _Cell:
    __slots__ = ("buckets", "count", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.buckets = [0] * (len(BOUNDS) + 1)


class Measurements:
    """Sums of one process, by (route, side, arm, status). ``arm`` is ``member``, ``other``, or empty outside a canary."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._cells: dict[tuple[str, str, bool | None, int], _Cell] = {}
        self._refused: dict[str, int] = {}

    def landed(self, flight: "Flight", seconds: float) -> None:
        """Count one request that reached a side, or was meant to."""
        decision = flight.decision
        key = (decision.route, flight.side, decision.member, flight.status)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell()
        cell.count += 1
        cell.seconds += seconds
        cell.buckets[bisect_left(BOUNDS, seconds)] += 1

    def refused(self, code: str) -> None:
        """Count one request that the gateway answered itself."""
        self._refused[code] = self._refused.get(code, 0) + 1

    def hand_over(self) -> None:
        """Give the sums to Prometheus and begin anew."""
        cells, self._cells = self._cells, {}
        for (route, side, member, status), cell in cells.items():
            arm = "" if member is None else "member" if member else "other"
            REQUESTS.labels(route, side, arm, str(status)).inc(cell.count)
            SECONDS.labels(route, side, arm).inc(cell.seconds)
            for bound, number in zip((*BOUNDS, "+Inf"), cell.buckets, strict=True):
                if number:
                    WITHIN.labels(route, side, arm, str(bound)).inc(number)
        refused, self._refused = self._refused, {}
        for code, number in refused.items():
            REFUSED.labels(code).inc(number)
        for name in Counts.__slots__:
            if number := getattr(self.counts, name):
                EVENTS.labels(name).inc(number)
                setattr(self.counts, name, 0)
