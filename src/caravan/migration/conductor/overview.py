"""What there is to see of a migration, in one piece: for the console, for `caravan status`, for anybody who may look."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import psycopg

from caravan.core.clock import utc_now
from caravan.migration.conductor.overview_reading import (
    accepted_views,
    alert_views,
    budget_and_conductor,
    difference_views,
    gateway_views,
    journal_views,
    request_views,
    table_version,
)
from caravan.migration.conductor.overview_tasks import tasks_of
from caravan.migration.conductor.overview_traffic import route_views
from caravan.migration.conductor.overview_types import (
    AcceptedView,
    AlertView,
    BudgetView,
    ConductorView,
    CoverageView,
    DifferenceMember,
    DifferenceView,
    GatewayView,
    HoldView,
    JournalView,
    Overview,
    RecorderView,
    ReplayView,
    RequestView,
    RouteView,
    SideFigures,
    TaskView,
    UnitView,
    WayView,
)
from caravan.migration.conductor.overview_units import unit_views
from caravan.migration.config import MigrationConfig
from caravan.migration.units import Scope

__all__ = [
    "AcceptedView",
    "AlertView",
    "BudgetView",
    "ConductorView",
    "CoverageView",
    "DifferenceMember",
    "DifferenceView",
    "GatewayView",
    "HoldView",
    "JournalView",
    "Overview",
    "RecorderView",
    "ReplayView",
    "RequestView",
    "RouteView",
    "SideFigures",
    "TaskView",
    "UnitView",
    "WayView",
    "overview",
]

MINUTES: Final = 10.0
JOURNAL_TAIL: Final = 50


def overview(
    connection: psycopg.Connection,
    scope: Scope,
    config: MigrationConfig,
    *,
    minutes: float = MINUTES,
    journal: int = JOURNAL_TAIL,
    clock: Callable[[], datetime] = utc_now,
) -> Overview:
    """Read everything as of one moment; changes nothing.

    ``connection`` is one of ``units.connected(address, read_only=True)``; call it outside of an event loop
    (``asyncio.to_thread``). ``minutes`` is how far back traffic is added up, at most 60; ``journal`` how many of its last
    entries are returned, the newest first.
    """
    now = clock()
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        version = table_version(connection, scope)
        budget, conductor = budget_and_conductor(connection, scope, now)
        accepted = accepted_views(connection, scope, config, now.date())
        seen = Overview(
            scope.migration,
            scope.org_id,
            now,
            minutes,
            version,
            conductor,
            gateway_views(connection, scope, version),
            unit_views(connection, scope, config, now),
            route_views(connection, scope, config, now, minutes),
            difference_views(connection, scope, accepted),
            accepted,
            budget,
            alert_views(connection, scope),
            request_views(connection, scope),
            journal_views(connection, scope, journal),
            (),
        )
    return replace(seen, tasks=tuple(tasks_of(seen)))
