"""What the judge says of a route today: its state, what is reported, what it has not seen and where it does not look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from caravan.migration.shadow.coverage import Contract, CoverageReport
from caravan.migration.shadow.differences import Spot
from caravan.migration.shadow.evidence import Evidence
from caravan.migration.shadow.grouping import Group, grouped
from caravan.migration.shadow.judge import Judge
from caravan.migration.shadow.masks import BlindSpot, blind_spot
from caravan.migration.shadow.route_state import RouteState

__all__ = ["RouteVerdict", "SpotVerdict", "Verdict", "figures_of", "groups_of", "verdict_of", "verdicts"]


class Verdict(StrEnum):
    """``gathering``: nothing is reported, and not enough was seen to call the route clean."""

    UNSEEN = "unseen"
    GATHERING = "gathering"
    CLEAN = "clean"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class SpotVerdict:
    """``a`` requests speak against the spot, ``b`` against old itself; ``e`` is capped at 1e300."""

    path: str
    kind: str
    a: int
    b: int
    e: float
    separated: int
    reported: bool


@dataclass(frozen=True, slots=True)
class RouteVerdict:
    """``spots`` are ranked by evidence, those that are old's own noise left out. ``weakened`` says by path what counts as equal.

    ``unconfirmed`` counts differences of requests for which old was not asked again: seen, so many times, proven by nothing.
    ``ignored_headers`` were there and not looked at: they belong to the blind spot.
    """

    route: str
    verdict: Verdict
    coverage: CoverageReport
    spots: tuple[SpotVerdict, ...]
    unconfirmed: dict[str, int]
    blind_spot: BlindSpot
    ignored_headers: tuple[str, ...]
    weakened: dict[str, str]

    @property
    def statement(self) -> str:
        """What a gate may say, with its bound."""
        if self.verdict is Verdict.DIFFERS:
            return f"{sum(spot.reported for spot in self.spots)} differences are reported"
        bound = f"a defect on more than {self.coverage.bound:.2%} of requests is ruled out (95 %)"
        return f"{self.coverage.judged} requests judged without a reported difference: {bound}"


def verdicts(judge: Judge, today: date) -> list[RouteVerdict]:
    """Return the verdict of each route that was seen or is in a contract, by name."""
    routes = sorted({*judge.routes, *judge.settings.contracts})
    return [verdict_of(judge, route, today) for route in routes]


def verdict_of(judge: Judge, route: str, today: date) -> RouteVerdict:
    """Return what is known of one route; ``today`` decides which masks hold."""
    state = judge.routes.get(route, RouteState())
    coverage = state.coverage.against(judge.settings.contracts.get(route, Contract()))
    spots = tuple(_ranked(judge, route, state, today))
    kinds = {path: kind.name for path, kind in state.learner.values().items()}
    return RouteVerdict(
        route,
        _verdict(judge, coverage, spots),
        coverage,
        spots,
        {f"{kind.value} {path}": times for (path, kind), times in sorted(state.unconfirmed.items())},
        blind_spot(judge.masks, route, state.leaves, today),
        tuple(sorted(state.ignored)),
        kinds | {path: f"set by {key}" if key else "set" for path, key in state.learner.sets().items()},
    )


def figures_of(found: Sequence[RouteVerdict]) -> dict[str, float]:
    """Sum up the verdicts of a unit's routes for its guard.

    ``mismatched`` counts requests that differed in a reported spot (of each route its worst), ``coverage`` and ``bound`` are those
    of the route that was seen least.
    """
    reported = [[spot for spot in each.spots if spot.reported] for each in found]
    return {
        "judged": sum(each.coverage.judged for each in found),
        "not_judged": sum(sum(each.coverage.not_judged.values()) for each in found),
        "mismatched": sum(max((spot.a for spot in spots), default=0) for spots in reported),
        "reported": sum(map(len, reported)),
        "coverage": min((each.coverage.share for each in found), default=0.0),
        "bound": max((each.coverage.bound for each in found), default=1.0),
    }


def groups_of(judge: Judge, *, reported_only: bool = True) -> list[Group]:
    """Group the differences of all routes by cause."""
    return grouped(
        example
        for state in judge.routes.values()
        for spot, example in state.examples.items()
        if not reported_only or (spot in state.evidence and state.evidence[spot].reported)
    )


def _verdict(judge: Judge, coverage: CoverageReport, spots: tuple[SpotVerdict, ...]) -> Verdict:
    if any(spot.reported for spot in spots):
        return Verdict.DIFFERS
    if coverage.judged == 0:
        return Verdict.UNSEEN
    settings = judge.settings
    enough = coverage.bound <= settings.most_undetected and coverage.share >= settings.coverage_needed
    return Verdict.CLEAN if enough else Verdict.GATHERING


def _ranked(judge: Judge, route: str, state: RouteState, today: date) -> list[SpotVerdict]:
    against = [
        (spot, evidence)
        for spot, evidence in state.evidence.items()
        if (evidence.reported or evidence.a > evidence.b) and not judge.masks.hides(route, spot, today)
    ]
    return [_spot(*each) for each in sorted(against, key=lambda each: (-each[1].log_e, each[0]))]


def _spot(spot: Spot, evidence: Evidence) -> SpotVerdict:
    e = 10 ** min(300.0, evidence.log_e / 2.302585092994046)
    return SpotVerdict(
        spot[0], spot[1].value, evidence.a, evidence.b, e, evidence.separated, evidence.reported
    )
