"""What a unit could do next, and what stands against it. Reads, and changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from caravan.migration.config import MigrationConfig, Unit
from caravan.migration.units.guards import Check, GuardInput, checks_of
from caravan.migration.units.measurements import latest_measurements
from caravan.migration.units.scope import Scope
from caravan.migration.units.states import STATES
from caravan.migration.units.store import OpenTransition, open_transition, stored_units
from caravan.migration.units.values import Step, UnitValues
from caravan.migration.units.ways import target_text, ways_from

__all__ = ["PlannedWay", "UnitPlan", "plan_of", "plans", "told"]


@dataclass(frozen=True, slots=True)
class PlannedWay:
    """An edge a unit has: whether its guard is open now, what it would do, and how it would be undone.

    ``comes_with_data``: it acts on stores, and is gone by ``caravan cutover``.
    """

    edge: str
    target: str
    back: bool
    comes_with_data: bool
    checks: list[Check]
    steps: list[Step]
    inverse: list[Step]

    @property
    def open(self) -> bool:
        """Whether it could be gone now."""
        return all(check.passed for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        return {
            "edge": self.edge,
            "target": self.target,
            "back": self.back,
            "comes_with_data": self.comes_with_data,
            "open": self.open,
            "checks": [check.as_json() for check in self.checks],
            "steps": [step.as_json() for step in self.steps],
            "inverse": [step.as_json() for step in self.inverse],
        }


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """Where a unit is and its ways from there; ``interrupted`` is a transition that has not ended."""

    unit: str
    at: str
    values: UnitValues
    entered_at: datetime | None
    routes: tuple[str, ...]
    ways: list[PlannedWay]
    interrupted: OpenTransition | None = None

    def as_json(self) -> dict[str, Any]:
        state = STATES[self.values.state]
        return {
            "unit": self.unit,
            "state": state.name,
            "at": self.at,
            "reads": state.reads,
            "writes": state.writes,
            "values": self.values.as_json(),
            "entered_at": None if self.entered_at is None else self.entered_at.isoformat(),
            "routes": list(self.routes),
            "ways": [way.as_json() for way in self.ways],
            "interrupted": None if self.interrupted is None else self.interrupted.edge,
        }


def plans(
    connection: psycopg.Connection | None, scope: Scope | None, config: MigrationConfig, now: datetime
) -> list[UnitPlan]:
    """Return the plan of every unit of the file; without a database all are discovered."""
    return [plan_of(connection, scope, config, unit, now) for unit in config.units]


def plan_of(
    connection: psycopg.Connection | None,
    scope: Scope | None,
    config: MigrationConfig,
    unit: Unit,
    now: datetime,
) -> UnitPlan:
    """Return the plan of one unit."""
    stored, measured, interrupted = None, {}, None
    if connection is not None and scope is not None:
        stored = stored_units(connection, scope).get(unit.name)
        measured = latest_measurements(connection, scope, unit.name)
        interrupted = open_transition(connection, scope, unit.name)
    values = stored.values if stored else UnitValues()
    waived = config.waived_guards(now.date())
    entered = stored.entered_at if stored else now
    given = GuardInput(config.gates, now, entered, values.stage, measured, waived)
    ways = [
        PlannedWay(
            way.edge.name,
            target_text(way.after, config.gates),
            way.edge.back,
            way.edge.comes_with_data,
            checks_of(way.edge.guards, given),
            way.steps,
            way.inverse,
        )
        for way in ways_from(unit, values, config.gates, UUID(int=0).hex)
    ]
    routes = tuple(
        f"{method} {route.template}" for route in config.routes_of(unit.name) for method in route.methods
    )
    return UnitPlan(
        unit.name,
        target_text(values, config.gates),
        values,
        stored.entered_at if stored else None,
        routes,
        ways,
        interrupted,
    )


def told(plan: UnitPlan) -> Iterator[str]:
    """Yield the lines of a plan for people."""
    state = STATES[plan.values.state]
    yield f"{plan.unit}: {plan.at} (reads: {state.reads}; writes: {state.writes})"
    if plan.interrupted is not None:
        yield f"  interrupted: {plan.interrupted.edge}, {plan.interrupted.done_steps} steps done"
    for way in plan.ways:
        word = "back to" if way.back else "on to"
        by = ", by `caravan cutover`" if way.comes_with_data else ""
        yield f"  {word} {way.target} ({way.edge}): {'open' if way.open else 'closed'}{by}"
        for check in way.checks:
            yield f"    {'ok    ' if check.passed else 'CLOSED'} {check.name}: {check.measured}; needed: {check.needed}"
        yield f"    steps: {_steps(way.steps)}; undone by: {_steps(way.inverse)}"


def _steps(steps: list[Step]) -> str:
    return ", ".join(step.name for step in steps)
