"""Prometheus metrics of this service, also when several processes share a port."""

import os
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

__all__ = ["CONTENT_TYPE", "IN_FLIGHT", "RATE_LIMITED", "REQUEST_SECONDS", "exposition", "observe_request"]

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

REQUEST_SECONDS: Final = Histogram(
    "caravan_http_request_seconds",
    "Time from the first byte of a request to the last of its answer",
    ("method", "route", "status"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_FLIGHT: Final = Gauge(
    "caravan_http_requests_in_flight", "Requests being answered", multiprocess_mode="livesum"
)
RATE_LIMITED: Final = Counter("caravan_http_rate_limited_total", "Requests refused by a limit", ("limit",))

_children: dict[tuple[str, str, int], Histogram] = {}


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request; the labelled child is looked up once per combination."""
    child = _children.get((method, route, status))
    if child is None:
        child = _children[(method, route, status)] = REQUEST_SECONDS.labels(method, route, str(status))
    child.observe(seconds)


def exposition() -> bytes:
    """Return the metrics of all processes of this service in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types there
    return generate_latest(registry)
