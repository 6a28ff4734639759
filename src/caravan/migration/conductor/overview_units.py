"""The units of an overview: where each is, its ways with their guards, what its stage says."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import psycopg

from caravan.migration.conductor.overview_types import HoldView, UnitView, WayView
from caravan.migration.conductor.readable_checks import readable
from caravan.migration.config import MigrationConfig
from caravan.migration.units import STATES, Check, PlannedWay, Scope, UnitPlan, latest_measurements, plans

__all__ = ["holds_of", "unit_views"]

_HOLDS: Final = """
SELECT unit, by, reason, at FROM engine.unit_holds WHERE org_id = %(org)s AND migration = %(migration)s
"""
CANARY: Final = 6
SIDES: Final = "sides"


def holds_of(connection: psycopg.Connection, scope: Scope) -> dict[str, HoldView]:
    """Return which units people hold where they are."""
    return {row[0]: HoldView(*row[1:]) for row in connection.execute(_HOLDS.encode(), scope.parameters)}


def unit_views(
    connection: psycopg.Connection, scope: Scope, config: MigrationConfig, now: datetime
) -> tuple[UnitView, ...]:
    """Return every unit of the file."""
    holds = holds_of(connection, scope)
    return tuple(
        _unit(connection, scope, config, plan, holds.get(plan.unit))
        for plan in plans(connection, scope, config, now)
    )


def _unit(
    connection: psycopg.Connection,
    scope: Scope,
    config: MigrationConfig,
    plan: UnitPlan,
    hold: HoldView | None,
) -> UnitView:
    state, values = STATES[plan.values.state], plan.values
    decision: dict[str, Any] | None = None
    decided_at = None
    if values.state == CANARY:
        found = latest_measurements(connection, scope, plan.unit).get("canary")
        if found is not None and (plan.entered_at is None or found.at >= plan.entered_at):
            decision, decided_at = dict(found.figures), found.at
    ratio = decision.get("ratio", {}) if decision else {}
    return UnitView(
        plan.unit,
        values.state,
        state.name,
        plan.at,
        state.reads,
        state.writes,
        values.share,
        values.stage,
        config.gates.stages,
        plan.entered_at,
        plan.routes,
        tuple(_way(way) for way in plan.ways),
        hold,
        None if plan.interrupted is None else plan.interrupted.edge,
        decision,
        decided_at,
        int(ratio.get("canary_keys", 0)),
        int(ratio.get("baseline_keys", 0)),
    )


def _way(way: PlannedWay) -> WayView:
    return WayView(
        way.edge,
        way.target,
        way.back,
        not way.comes_with_data and all(check.passed or _asked_then(check) for check in way.checks),
        way.comes_with_data,
        tuple(_told(check) for check in way.checks),
        tuple(step.name for step in way.steps),
        tuple(step.name for step in way.inverse),
    )


def _asked_then(check: Check) -> bool:
    """Whether both sides answer is asked again when somebody goes on: what was measured before closes no way."""
    return check.name.partition(":")[0] == SIDES


def _told(check: Check) -> Check:
    found = readable(check)
    if check.passed or not _asked_then(check):
        return found
    return replace(found, measured=f"{found.measured}; asked when somebody goes on")
