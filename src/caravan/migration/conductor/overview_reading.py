"""Rows of an overview, read as they are stored."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import psycopg

from caravan.migration.conductor.looking import REPLAY
from caravan.migration.conductor.overview_types import (
    AcceptedView,
    AlertView,
    BudgetView,
    ConductorView,
    DifferenceMember,
    DifferenceView,
    GatewayView,
    JournalView,
    RecorderView,
    ReplayView,
    RequestView,
)
from caravan.migration.config import MigrationConfig
from caravan.migration.shadow import Kind, why_not
from caravan.migration.units import Scope, masks_of_file

__all__ = [
    "ALIVE",
    "accepted_views",
    "alert_views",
    "budget_and_conductor",
    "difference_views",
    "gateway_views",
    "journal_views",
    "request_views",
    "table_version",
]

ALIVE: Final = timedelta(seconds=10)
_VERSION: Final = (
    "SELECT version FROM engine.route_pointers WHERE org_id = %(org)s AND migration = %(migration)s"
)
_CONDUCTOR: Final = "SELECT name, started_at, seen_at, taken, figures FROM engine.conductors WHERE org_id = %(org)s AND migration = %(migration)s"
_GATEWAYS: Final = """
SELECT name, version, extract(epoch FROM clock_timestamp() - seen_at)::float8, held FROM engine.gateway_processes
WHERE org_id = %(org)s AND migration = %(migration)s ORDER BY name
"""
_ACCEPTED: Final = """
SELECT id, route, path, kind, owner, reason, until, by FROM engine.accepted_differences
WHERE org_id = %(org)s AND migration = %(migration)s AND withdrawn_at IS NULL ORDER BY until, route, path
"""
_DIFFERENCES: Final = """
SELECT id, unit, cause, kind, reported, members, example, first_at, last_at FROM engine.difference_groups
WHERE org_id = %(org)s AND migration = %(migration)s ORDER BY reported DESC, jsonb_array_length(members) DESC, id
"""
_REPLAYS: Final = """
SELECT part, document FROM engine.conductor_state
WHERE org_id = %(org)s AND migration = %(migration)s AND part LIKE 'replay %%'
"""
_ALERTS: Final = """
SELECT id, cause, unit, severity, said, began_at, ended_at, told FROM engine.migration_alerts
WHERE org_id = %(org)s AND migration = %(migration)s ORDER BY ended_at IS NOT NULL, began_at DESC LIMIT 100
"""
_REQUESTS: Final = """
SELECT id, unit, action, wish, by, asked_at FROM engine.operator_requests WHERE org_id = %(org)s AND migration = %(migration)s AND state = 'open' ORDER BY asked_at
"""
_JOURNAL: Final = """
SELECT number, at, unit, phase, by, facts, hash FROM engine.migration_journal
WHERE org_id = %(org)s AND migration = %(migration)s ORDER BY number DESC LIMIT %(most)s
"""


def table_version(connection: psycopg.Connection, scope: Scope) -> int:
    """Return the version of the route table, 0 when none was published."""
    row = connection.execute(_VERSION.encode(), scope.parameters).fetchone()
    return row[0] if row else 0


def budget_and_conductor(
    connection: psycopg.Connection, scope: Scope, now: datetime
) -> tuple[BudgetView | None, ConductorView | None]:
    """Return what the conductor wrote of itself."""
    row = connection.execute(_CONDUCTOR.encode(), scope.parameters).fetchone()
    if row is None:
        return None, None
    name, started, seen, taken, figures = row
    budget = figures.get("budget")
    return (
        BudgetView(**budget) if budget else None,
        ConductorView(
            name,
            now - seen <= ALIVE,
            seen,
            started,
            taken,
            figures.get("judged", 0),
            figures.get("skipped", {}),
            RecorderView(**figures["recorder"]) if figures.get("recorder") else None,
        ),
    )


def gateway_views(connection: psycopg.Connection, scope: Scope, version: int) -> tuple[GatewayView, ...]:
    """Return the processes of the gateway."""
    rows = connection.execute(_GATEWAYS.encode(), scope.parameters)
    return tuple(
        GatewayView(name, applied, applied < version, silent, tuple(held))
        for name, applied, silent, held in rows
    )


def accepted_views(
    connection: psycopg.Connection, scope: Scope, config: MigrationConfig, today: date
) -> tuple[AcceptedView, ...]:
    """Return what is accepted: first the file's, then the operators'."""
    ours = (
        AcceptedView(
            None, one.route, one.path, one.kind, one.owner, one.reason, one.until, "file", one.until < today
        )
        for one in masks_of_file(config)
    )
    stored = connection.execute(_ACCEPTED.encode(), scope.parameters)
    return (*ours, *(_accepted(row, today) for row in stored))


def _accepted(row: Sequence[Any], today: date) -> AcceptedView:
    identity, route, path, kind, owner, reason, until, by = row
    return AcceptedView(identity, route, path, kind, owner, reason, until, by, until < today)


def difference_views(
    connection: psycopg.Connection, scope: Scope, accepted: Iterable[AcceptedView]
) -> tuple[DifferenceView, ...]:
    """Return differences by cause, those with most places first."""
    hidden = {(one.route, one.path, one.kind) for one in accepted if not one.expired}
    replays = _replays(connection, scope)
    rows = connection.execute(_DIFFERENCES.encode(), scope.parameters)
    return tuple(_difference(row, hidden, replays.get(row[0])) for row in rows)


def _replays(connection: psycopg.Connection, scope: Scope) -> dict[str, ReplayView]:
    rows = connection.execute(_REPLAYS.encode(), scope.parameters)
    return {
        part.removeprefix(REPLAY): ReplayView(**{**told, "at": datetime.fromisoformat(told["at"])})
        for part, told in rows
    }


def _difference(
    row: tuple[Any, ...], hidden: set[tuple[str, str, str]], replay: ReplayView | None
) -> DifferenceView:
    identity, unit, cause, kind, reported, members, example, first, last = row
    places = tuple(
        DifferenceMember(
            route,
            path,
            against,
            noise,
            told,
            (route, path, kind) in hidden,
            why_not(path, Kind(kind)) or "",
        )
        for route, path, against, noise, told in members
    )
    return DifferenceView(
        identity,
        unit,
        cause,
        kind,
        reported,
        any(place.reported and not place.accepted for place in places),
        any(not place.refused for place in places),
        places,
        example["request"],
        example["root"],
        example["old"],
        example["new"],
        first,
        last,
        replay,
    )


def alert_views(connection: psycopg.Connection, scope: Scope) -> tuple[AlertView, ...]:
    """Return alarms, those that last first."""
    return tuple(AlertView(*row) for row in connection.execute(_ALERTS.encode(), scope.parameters))


def request_views(connection: psycopg.Connection, scope: Scope) -> tuple[RequestView, ...]:
    """Return wishes that wait for a second person."""
    return tuple(RequestView(*row) for row in connection.execute(_REQUESTS.encode(), scope.parameters))


def journal_views(connection: psycopg.Connection, scope: Scope, most: int) -> tuple[JournalView, ...]:
    """Return the last entries, the newest first."""
    rows = connection.execute(_JOURNAL.encode(), {**scope.parameters, "most": most})
    return tuple(
        JournalView(number, at, unit, phase, by, _about(facts), facts, hashed)
        for number, at, unit, phase, by, facts, hashed in rows
    )


def _about(facts: dict[str, Any]) -> str:
    said = (
        facts.get("edge")
        or facts.get("name")
        or facts.get("said")
        or facts.get("path")
        or facts.get("action")
    )
    return str(said or "")
