"""The routes of an overview: what both sides served over the last minutes, what was compared, what the judge says."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from caravan.migration.canary.latency_sketch import LatencySketch
from caravan.migration.conductor.overview_types import CoverageView, RouteView, SideFigures
from caravan.migration.config import MigrationConfig, Route
from caravan.migration.shadow import route_names
from caravan.migration.units import Scope

__all__ = ["ASKED", "route_views"]

ASKED: Final = "asked"
_TRAFFIC: Final = """
SELECT route, side, arm, requests, errors, judged, differing, latencies FROM engine.route_traffic
WHERE org_id = %(org)s AND migration = %(migration)s AND at > %(since)s
"""
_VERDICTS: Final = """
SELECT part, document -> 'verdicts' FROM engine.conductor_state
WHERE org_id = %(org)s AND migration = %(migration)s AND part LIKE 'verdicts %%'
"""


@dataclass(slots=True)
class _Sum:
    requests: int = 0
    errors: int = 0
    asked: int = 0
    served: LatencySketch = field(default_factory=LatencySketch)
    own: LatencySketch = field(default_factory=LatencySketch)


@dataclass(slots=True)
class _RouteSum:
    sides: dict[str, _Sum] = field(default_factory=lambda: {"old": _Sum(), "new": _Sum()})
    judged: int = 0
    differing: int = 0


def route_views(
    connection: psycopg.Connection, scope: Scope, config: MigrationConfig, now: datetime, minutes: float
) -> tuple[RouteView, ...]:
    """Return every route of the file, one per method, in its order."""
    sums = _sums(connection, scope, now - timedelta(minutes=minutes))
    verdicts = _verdicts(connection, scope)
    return tuple(
        _route(config, route, name, sums.get(name, _RouteSum()), verdicts.get(name), minutes * 60)
        for route in config.routes
        for name in route_names(route)
    )


def _sums(connection: psycopg.Connection, scope: Scope, since: datetime) -> dict[str, _RouteSum]:
    sums: dict[str, _RouteSum] = defaultdict(_RouteSum)
    rows = connection.execute(_TRAFFIC.encode(), {**scope.parameters, "since": since})
    for name, side, arm, requests, errors, judged, differing, latencies in rows:
        route = sums[name]
        route.judged += judged
        route.differing += differing
        one = route.sides[side]
        if arm == ASKED:
            one.asked += requests
            _add(one.own, latencies)
        else:
            one.requests += requests
            one.errors += errors
            _add(one.served, latencies)
    return sums


def _add(sketch: LatencySketch, given: dict[str, Any]) -> None:
    for bucket, count in LatencySketch.from_json(given).buckets.items():
        sketch.buckets[bucket] = sketch.buckets.get(bucket, 0) + count
        sketch.count += count


def _verdicts(connection: psycopg.Connection, scope: Scope) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for _, verdicts in connection.execute(_VERDICTS.encode(), scope.parameters):
        found.update(verdicts or {})
    return found


def _route(
    config: MigrationConfig,
    route: Route,
    name: str,
    sums: _RouteSum,
    verdict: dict[str, Any] | None,
    seconds: float,
) -> RouteView:
    said = verdict or {}
    coverage = _coverage(said["coverage"]) if "coverage" in said else None
    return RouteView(
        name,
        route.unit,
        route.effect,
        config.sample_of(route),
        _side(sums.sides["old"], seconds),
        _side(sums.sides["new"], seconds),
        sums.judged,
        sums.differing,
        sums.differing / sums.judged if sums.judged else None,
        said.get("verdict", "unseen"),
        said.get("statement", ""),
        coverage,
        said.get("weakened", {}),
        said.get("masked", 0),
        said.get("leaves", 0),
    )


def _coverage(given: dict[str, Any]) -> CoverageView:
    return CoverageView(
        given["judged"],
        given["not_judged"],
        given["bound"],
        given["share"],
        tuple(given["unseen_parameters"]),
        tuple(given["unseen_statuses"]),
        tuple(given["unseen_roles"]),
    )


def _side(one: _Sum, seconds: float) -> SideFigures:
    sketch = one.served if one.served.count else one.own
    return SideFigures(
        one.requests,
        one.requests / seconds,
        one.errors,
        one.errors / one.requests if one.requests else 0.0,
        one.asked,
        sketch.quantile(0.5) if sketch.count else None,
        sketch.quantile(0.95) if sketch.count else None,
    )
