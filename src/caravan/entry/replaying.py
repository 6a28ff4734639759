"""A recording sent to the two sides of a migration file, judged, and summed up per unit for its guard."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from caravan.migration.conductor import contracts_of
from caravan.migration.conductor.difference_rows import DifferenceRows
from caravan.migration.conductor.redacted_examples import RedactedExamples
from caravan.migration.conductor.route_finder import RouteFinder
from caravan.migration.config import MigrationConfig
from caravan.migration.exchange import Exchange, Headers
from caravan.migration.recording import is_placeholder
from caravan.migration.shadow import (
    Ask,
    Effect,
    Group,
    Judge,
    Mask,
    Replay,
    ReplayProgress,
    Route,
    RouteVerdict,
    asked_at,
    asking_client,
    figures_of,
    groups_of,
    judge_settings,
    verdicts,
)
from caravan.migration.units import Accepted

__all__ = ["Replayed", "ReplayedSides", "Replaying"]


@dataclass(frozen=True, slots=True)
class ReplayedSides:
    """Base URLs. ``again`` is a second copy of the old side, for recordings whose writes are sent too; ``headers`` go with each request."""

    old: str
    new: str
    again: str | None = None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was found; ``units`` holds the figures of each unit, ``rows`` its differences as people look at and accept them.

    ``left_out`` counts exchanges by why; ``bare`` requests went without headers that had been redacted.
    """

    progress: ReplayProgress
    verdicts: list[RouteVerdict]
    groups: list[Group]
    units: Mapping[str, Mapping[str, Any]]
    rows: Mapping[str, list[dict[str, Any]]]
    left_out: Mapping[str, int]
    bare: int


@dataclass(slots=True)
class Replaying:
    """One replay. Routes are those of the file; what it declares to write is left out, unless ``writes``."""

    config: MigrationConfig
    sides: ReplayedSides
    writes: bool = False
    at_once: int = 8
    _left_out: Counter[str] = field(default_factory=Counter)
    _bare: int = 0

    async def run(self, exchanges: Iterable[Exchange], accepted: Iterable[Accepted], today: date) -> Replayed:
        """Send everything and judge the answers.

        Raises:
            ReplayRefusedError: writes without a second copy of the old side.
            MaskRefusedError: what is accepted hides too much.
        """
        judge = Judge(judge_settings(self.config, contracts_of(self.config)))
        for one in accepted:
            judge.accept(Mask.from_json(one.as_json()), today)
        finder = RouteFinder(self.config)
        async with asking_client(timeout=self.config.shadow.timeout) as client:

            def ask(url: str) -> Ask:
                return asked_at(url, client, extra=self.sides.headers)

            replay = Replay(
                judge,
                ask(self.sides.old),
                ask(self.sides.new),
                lambda exchange: self._route(finder, exchange),
                again=ask(self.sides.again) if self.sides.again else None,
                writes=self.writes,
                concurrency=self.at_once,
            )
            progress = await replay.run(self._bared(exchanges))
        found = verdicts(judge, today)
        units = self._by_unit(found)
        return Replayed(
            progress,
            found,
            groups_of(judge),
            {unit: dict(figures_of(each)) for unit, each in units.items()},
            {unit: _rows(unit, judge, each) for unit, each in units.items()},
            dict(self._left_out),
            self._bare,
        )

    def _route(self, finder: RouteFinder, exchange: Exchange) -> Route | None:
        known = finder.find(exchange.request)
        why = "no route of the file" if known is None else self._why_not(exchange, known[1].effect)
        if known is None or why is not None:
            self._left_out[why or ""] += 1
            return None
        return Route(known[0], Effect(known[1].effect))

    def _why_not(self, exchange: Exchange, effect: str) -> str | None:
        """Return why an exchange of a known route cannot be asked; None when it can."""
        body = exchange.request.body.content
        if effect == "write" and not self.writes:
            return "writes"
        if body is None:
            return "a body that was not kept"
        if is_placeholder(exchange.request.target) or is_placeholder(body.decode("latin-1")):
            return "holds what was redacted"
        return None

    def _bared(self, exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
        """Take headers away that were redacted: a mark in place of a token would ask for the answer to a stranger."""
        given = {name.lower() for name, _ in self.sides.headers}
        for exchange in exchanges:
            headers = exchange.request.headers
            kept = tuple(
                (name, value)
                for name, value in headers
                if name.lower() not in given and not is_placeholder(value)
            )
            self._bare += any(is_placeholder(value) and name.lower() not in given for name, value in headers)
            yield replace(exchange, request=replace(exchange.request, headers=kept))

    def _by_unit(self, found: list[RouteVerdict]) -> dict[str, list[RouteVerdict]]:
        """Return the verdicts of each unit of which something was judged."""
        units: dict[str, list[RouteVerdict]] = {}
        names = {
            f"{method} {route.template}": route.unit
            for route in self.config.routes
            for method in route.methods
        }
        for verdict in found:
            unit = names.get(verdict.route)
            if unit is not None and verdict.coverage.judged:
                units.setdefault(unit, []).append(verdict)
        return units


def _rows(unit: str, judge: Judge, found: list[RouteVerdict]) -> list[dict[str, Any]]:
    own = Judge(judge.settings)
    own.routes = {verdict.route: judge.routes[verdict.route] for verdict in found}
    return DifferenceRows(RedactedExamples()).of(unit, own)
