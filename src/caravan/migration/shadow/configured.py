"""The judge, its masks and its budget as a migration file declares them."""

from collections.abc import Mapping
from datetime import date

from caravan.migration.config import Compare, MigrationConfig, Route, Side
from caravan.migration.config import Mask as DeclaredMask
from caravan.migration.shadow.asking import Effect
from caravan.migration.shadow.asking import Route as AskedRoute
from caravan.migration.shadow.budget import Budget
from caravan.migration.shadow.canonical import Canonicaliser, canonicaliser_from_json
from caravan.migration.shadow.coverage import Contract
from caravan.migration.shadow.heads import IGNORED_HEADERS
from caravan.migration.shadow.hosts import NO_HOSTS, OwnHosts
from caravan.migration.shadow.judge import Judge, JudgeSettings
from caravan.migration.shadow.masks import Mask

__all__ = ["apply_masks", "asked_routes", "budget_of", "judge_settings", "route_names"]


def route_names(route: Route) -> tuple[str, ...]:
    """Return the names under which a route's exchanges are judged, one per method: ``GET /orders/{id}``."""
    return tuple(f"{method} {route.template}" for method in route.methods)


def asked_routes(config: MigrationConfig) -> dict[str, AskedRoute]:
    """Return the routes of a file by name, with their declared effects."""
    return {
        name: AskedRoute(name, Effect(route.effect)) for route in config.routes for name in route_names(route)
    }


def judge_settings(config: MigrationConfig, contracts: Mapping[str, Contract] | None = None) -> JudgeSettings:
    """Return what the file says of comparing; ``contracts`` are by route name. Rules of ``[compare]`` hold on every route."""
    ignored: dict[str, frozenset[str]] = {}
    declared: dict[str, Mapping[str, Canonicaliser]] = {}
    sets: dict[str, Mapping[str, str | None]] = {}
    for route in config.routes:
        rules = config.compare, route.compare
        for name in route_names(route):
            ignored[name] = _ignored(rules)
            declared[name] = {
                each.path: canonicaliser_from_json(each.as_json())
                for rule in rules
                for each in rule.canonical
            }
            sets[name] = {each.path: each.key for rule in rules for each in rule.unordered}
    return JudgeSettings(
        alpha=config.gates.alpha,
        old_hosts=_hosts(config.legacy),
        new_hosts=_hosts(config.new),
        ignored_headers=_ignored((config.compare,)),
        ignored_by_route=ignored,
        declared=declared,
        declared_sets=sets,
        contracts=contracts or {},
        coverage_needed=config.gates.coverage,
        most_undetected=config.gates.most_undetected,
        reask_times=config.shadow.reask_times,
        reask_limit=config.shadow.reask_limit,
    )


def apply_masks(judge: Judge, config: MigrationConfig, today: date) -> None:
    """Put the masks of a file into force; those whose last day has passed are left out. Raises ``MaskRefusedError``."""
    for route in config.routes:
        for name in route_names(route):
            for mask in (*config.compare.masks, *route.compare.masks):
                if mask.until >= today:
                    judge.mask(_mask(name, mask), today)


def budget_of(config: MigrationConfig) -> Budget:
    """Return how much may be asked of the old side."""
    return Budget(share=config.shadow.extra_load, rise=config.shadow.p95_rise)


def _mask(route: str, mask: DeclaredMask) -> Mask:
    return Mask(route, mask.path, mask.owner, mask.reason, mask.until)


def _ignored(rules: tuple[Compare, ...]) -> frozenset[str]:
    more = {header for rule in rules for header in rule.ignore_headers}
    compared = {header for rule in rules for header in rule.headers}
    return frozenset((IGNORED_HEADERS | more) - compared)


def _hosts(side: Side | None) -> OwnHosts:
    return OwnHosts.of([str(side.base_url), *side.hosts]) if side else NO_HOSTS
