"""Learns a contract from recorded exchanges, in two passes: templates first, then everything per route.

Memory does not grow with the number of exchanges, and the result does not depend on their order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from caravan.migration.contract.errors import NothingToLearn
from caravan.migration.contract.model import Contract, Effect, Route, proposed_effect, route_key
from caravan.migration.contract.observations import RouteObservation, parameter_names
from caravan.migration.contract.schemas import Schema, String
from caravan.migration.contract.templates import Router, TemplateLearner
from caravan.migration.contract.templates.learning import NOT_THERE
from caravan.migration.exchange import Exchange

__all__ = ["Learnt", "learn"]


@dataclass(slots=True)
class Learnt:
    """``unknown`` counts exchanges that belong to no route, by status; ``failed`` those without an answer."""

    contract: Contract
    observations: dict[str, RouteObservation] = field(default_factory=dict)
    unknown: Counter[int] = field(default_factory=Counter)
    failed: int = 0


def learn(
    exchanges: Iterable[Exchange],
    *,
    name: str,
    declared: Mapping[str, Effect | None] | None = None,
    writers: frozenset[str] = frozenset(),
) -> Learnt:
    """Learn from what can be iterated twice, such as ``Recording.read()``.

    ``declared`` are routes by key (``GET /orders/{id}``) with their effect, None where it is to be proposed; their
    templates win over learnt ones. ``writers`` are keys of routes that were seen to change rows.

    Raises:
        NothingToLearn: there is not one exchange.
    """
    routes = dict(declared or {})
    templates = sorted({key.partition(" ")[2] for key in routes})
    learner = TemplateLearner(templates)
    count = 0
    for exchange in exchanges:
        count += 1
        learner.add(exchange)
    if not count:
        raise NothingToLearn(f"{name}: no exchange is there")
    found = learner.routes()
    answered = frozenset(route_key(method, route.template) for route in found for method in route.methods)
    router = Router([*templates, *(route.template for route in found)])
    learnt = _observed(exchanges, Learnt(Contract(name)), router, answered, routes)
    proposed = {
        key: seen.route(routes.get(key), changes_rows=key in writers)
        for key, seen in learnt.observations.items()
    }
    unseen = {key: _unseen(key, effect) for key, effect in routes.items() if key not in proposed}
    learnt.contract = learnt.contract.with_routes({**proposed, **unseen})
    return learnt


def _observed(
    exchanges: Iterable[Exchange],
    learnt: Learnt,
    router: Router,
    answered: frozenset[str],
    declared: Mapping[str, Effect | None],
) -> Learnt:
    for exchange in exchanges:
        if exchange.answer.failure is not None:
            learnt.failed += 1
            continue
        match = router.match(exchange.request.path)
        if match is None:
            learnt.unknown[exchange.answer.status] += 1
            continue
        key = route_key(exchange.request.method, match.template)
        seen = learnt.observations.get(key)
        if seen is None:
            seen = learnt.observations[key] = RouteObservation(exchange.request.method, match.template)
        seen.add(exchange, match.values)
    for key in [
        key for key, seen in learnt.observations.items() if not _is_route(key, seen, answered, declared)
    ]:
        gone = learnt.observations.pop(key)
        learnt.unknown.update({status: answer.count for status, answer in gone.answers.items()})
    return learnt


def _is_route(
    key: str, seen: RouteObservation, answered: frozenset[str], declared: Mapping[str, Effect | None]
) -> bool:
    """Tell a route from a method that its path does not have."""
    return key in answered or key in declared or not set(seen.answers) <= NOT_THERE


def _unseen(key: str, effect: Effect | None) -> Route:
    method, _, template = key.partition(" ")
    path = {name: Schema(string=String()) for name in parameter_names(template)}
    return Route(method, template, effect or proposed_effect(method, frozenset()), path=path)
