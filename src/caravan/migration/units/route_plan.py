"""The gateway's route table as the migration file and the units' states make it."""

from collections.abc import Mapping

from caravan.migration.config import MigrationConfig, Route, Unit
from caravan.migration.gateway.plan import CohortKey, Override, PlannedRoute, PlannedUnit, RoutePlan, Window
from caravan.migration.units.states import CANARY, REPLAYED
from caravan.migration.units.values import UnitValues

__all__ = ["planned_unit", "route_plan"]


def route_plan(config: MigrationConfig, units: Mapping[str, UnitValues]) -> RoutePlan:
    """Return the table; a unit without values is discovered. Copies go to the comparison from the replay on, in a canary all."""
    given = config.gateway.override
    return RoutePlan(
        units=tuple(planned_unit(unit, units.get(unit.name, UnitValues())) for unit in config.units),
        routes=tuple(_route(config, route, units) for route in config.routes),
        override=Override(header=given.header, secrets=given.secrets) if given else None,
        sample_unknown=config.gateway.sample_unknown,
    )


def planned_unit(unit: Unit, values: UnitValues) -> PlannedUnit:
    """Return what gateways are told of one unit."""
    return PlannedUnit(
        name=unit.name,
        state=values.state,
        share=values.share,
        salt=values.salt,
        writes=unit.writes,
        include=unit.include,
        exclude=unit.exclude,
        window=Window(opens=unit.opens, closes=unit.closes) if unit.opens or unit.closes else None,
        lag_seconds=unit.lag,
        armed=values.armed,
        held=values.held,
    )


def _route(config: MigrationConfig, route: Route, units: Mapping[str, UnitValues]) -> PlannedRoute:
    values = units.get(route.unit or "", UnitValues())
    sampled = route.unit is None or values.state >= REPLAYED
    # A canary is decided by what every member and every other met, not by a sample of it.
    sample = 1.0 if values.state == CANARY else config.sample_of(route)
    return PlannedRoute(
        template=route.template,
        methods=route.methods,
        effect=route.effect,
        unit=route.unit,
        key=CohortKey.parse(route.key) if route.key else None,
        fallback=route.fallback,
        sample=sample if sampled else 0.0,
    )
