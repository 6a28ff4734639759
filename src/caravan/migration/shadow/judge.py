"""Takes triples (A, B, N) and says which spots of which routes differ, with a bounded chance of ever being wrong.

Everything is a function of the triples in their order: no clock, no randomness. The state is plain and goes to JSON and back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from typing import Any, TypeAlias

from caravan.migration.exchange import Answer
from caravan.migration.shadow.canonical import Canonicaliser
from caravan.migration.shadow.comparison import Comparison, Seen, compare
from caravan.migration.shadow.coverage import Contract
from caravan.migration.shadow.differences import Difference, Kind, Spot, mirrored
from caravan.migration.shadow.evidence import Evidence
from caravan.migration.shadow.heads import IGNORED_HEADERS
from caravan.migration.shadow.hosts import NO_HOSTS, OwnHosts
from caravan.migration.shadow.masks import Mask, Masks
from caravan.migration.shadow.route_state import RouteState
from caravan.migration.shadow.row_effects import RowEffect, compare_rows
from caravan.migration.shadow.rules import Rules
from caravan.migration.shadow.triple import Triple

__all__ = ["Judge", "JudgeSettings", "Taken"]

_Spots: TypeAlias = dict[Spot, Difference]


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """``alpha`` bounds the chance of any innocent report, ever, over all routes.

    ``declared`` are canonicalisers by route and path, for what old against old cannot teach, such as ids that the new side
    gives; ``declared_sets`` arrays without order, with the member that names an element. ``ignored_by_route`` takes the place of
    ``ignored_headers`` where a route has its own. ``reask_times`` is k, ``reask_limit`` how often one spot may ask for it. A route is clean when nothing is reported,
    ``coverage_needed`` of its contract was seen and so many requests were judged that 3/n ≤ ``most_undetected``.
    """

    alpha: float = 0.01
    old_hosts: OwnHosts = NO_HOSTS
    new_hosts: OwnHosts = NO_HOSTS
    ignored_headers: frozenset[str] = IGNORED_HEADERS
    ignored_by_route: Mapping[str, frozenset[str]] = field(default_factory=dict)
    declared: Mapping[str, Mapping[str, Canonicaliser]] = field(default_factory=dict)
    declared_sets: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    coverage_needed: float = 0.8
    most_undetected: float = 0.01
    reask_times: int = 8
    reask_limit: int = 3

    def ignored(self, route: str) -> frozenset[str]:
        """Headers that are not compared on a route."""
        return self.ignored_by_route.get(route, self.ignored_headers)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one triple brought: spots ``reported`` for the first time, and those for which ``reask`` is worth its requests."""

    reported: tuple[Spot, ...] = ()
    reask: tuple[Spot, ...] = ()


class Judge:
    """The judge of one unit's routes. ``take`` a triple, ``take_reasked`` what it asked for; ``routes`` is what it knows."""

    def __init__(self, settings: JudgeSettings | None = None) -> None:
        self.settings = settings or JudgeSettings()
        self.routes: dict[str, RouteState] = {}
        self.masks = Masks()
        self._places = 0

    def take(self, triple: Triple) -> Taken:
        """Judge one request; look at its answers only when it may be judged."""
        route = self.routes.setdefault(triple.route, RouteState())
        if (reason := _not_judged(triple)) is not None:
            route.coverage.skip(reason)
            return Taken()
        old, new = self._seen(triple.route, triple.old), self._seen(triple.route, triple.new, new=True)
        rules = self._rules(triple.route)
        in_new = compare(old, new, rules)
        route.see(triple, old)
        if triple.again is None:
            self._unconfirmed(triple, route, in_new)
            return Taken()
        in_again = compare(old, self._seen(triple.route, triple.again), rules)
        spots = self._with_references(triple, route, in_again, in_new)
        taken = self._count(triple, route, *spots)
        route.learn(in_again.differing, in_again.orders)
        return taken

    def take_reasked(
        self, route: str, spots: Iterable[Spot], old: Sequence[Answer], new: Sequence[Answer]
    ) -> tuple[Spot, ...]:
        """Take the answers of a request asked equally often on both sides; return the spots reported by them."""
        state, rules = self.routes[route], self._rules(route)
        answers = [self._seen(route, each) for each in old] + [
            self._seen(route, each, new=True) for each in new
        ]
        pairs = {
            (i, j): (
                set(compare(answers[i], answers[j], rules).spots()),
                set(compare(answers[j], answers[i], rules).spots()),
            )
            for i, j in combinations(range(len(answers)), 2)
        }
        reported = []
        for spot in spots:
            evidence = state.evidence[spot]
            before = evidence.reported
            evidence.take_reasked(separated=_separated(spot, pairs, len(old)), times=len(old))
            if evidence.settle(self.settings.alpha) and not before:
                reported.append(spot)
        return tuple(reported)

    def take_rows(
        self,
        triple: Triple,
        old: Sequence[RowEffect],
        new: Sequence[RowEffect],
        again: Sequence[RowEffect] | None = None,
    ) -> Taken:
        """Compare the rows that a write changed on each side; ``again`` is of a second copy of old, at replay.

        Without it a difference is counted as unconfirmed. Values that a side gives count as equal as far as their kind was learnt
        on any field of the route.
        """
        route = self.routes.setdefault(triple.route, RouteState())
        if (reason := _not_judged(triple)) is not None:
            route.coverage.skip(reason)
            return Taken()
        rules = self._rules(triple.route)
        in_new = compare_rows(old, new, rules.values.values(), rules)
        if again is None:
            self._unconfirmed(triple, route, in_new)
            return Taken()
        in_again = compare_rows(old, again, rules.values.values(), rules)
        taken = self._count(triple, route, in_again.spots(), in_new.spots())
        route.learn(in_again.differing, in_again.orders)
        return Taken(taken.reported)

    def accept(self, found: Mask, today: date) -> None:
        """Take a difference that was found and that somebody answers for, for a time. Raises ``MaskRefusedError``."""
        state = self.routes.get(found.route)
        self.masks.accept(found, state.leaves if state else (), today)

    def mask(self, mask: Mask, today: date) -> None:
        """Put a mask of the file into force, for a time. Raises ``MaskRefusedError``."""
        state = self.routes.get(mask.route)
        self.masks.add(mask, state.leaves if state else (), today)

    def _rules(self, route: str) -> Rules:
        settings = self.settings
        declared, sets = settings.declared.get(route, {}), settings.declared_sets.get(route, {})
        return self.routes[route].rules(declared, sets, settings.ignored(route))

    def _seen(self, route: str, answer: Answer, *, new: bool = False) -> Seen:
        hosts = self.settings.new_hosts if new else self.settings.old_hosts
        return Seen(answer, hosts, self.settings.ignored(route))

    def _with_references(
        self, triple: Triple, route: RouteState, again: Comparison, new: Comparison
    ) -> tuple[_Spots, _Spots]:
        both = again.spots(), new.spots()
        if again.ids or new.ids:
            for spots, found in zip(both, route.flows.take(triple.client, again.ids, new.ids), strict=True):
                for path, (expected, there) in found.items():
                    spots[path, Kind.REFERENCE] = Difference(path, Kind.REFERENCE, expected, there)
        return both

    def _count(self, triple: Triple, route: RouteState, in_again: _Spots, in_new: _Spots) -> Taken:
        reported, reask = [], []
        today = triple.at.date()
        discordant = sorted(in_new.keys() ^ in_again.keys())
        # Through `known` several spots may become one; it differs in a side if any of them does, and counts once.
        sides: dict[Spot, set[bool]] = {}
        for spot in discordant:
            if not self.masks.hides(triple.route, spot, today):
                sides.setdefault(route.known(spot), set()).add(spot in in_new)
                if spot in in_new:
                    route.keep_example(triple, in_new[spot])
        for spot, differs in sides.items():
            if len(differs) == 1 and self._settled(route, spot, new_differs=differs.pop()):
                reported.append(spot)
            if spot in in_new and self._worth_reasking(spot, route.evidence.get(spot)):
                reask.append(spot)
        return Taken(tuple(reported), tuple(reask))

    def _settled(self, route: RouteState, spot: Spot, *, new_differs: bool) -> bool:
        evidence = route.evidence.get(spot)
        if evidence is None:
            self._places += 1
            evidence = route.evidence[spot] = Evidence(self._places)
        before = evidence.reported
        evidence.count(new_differs=new_differs)
        return evidence.settle(self.settings.alpha) and not before

    def _worth_reasking(self, spot: Spot, evidence: Evidence | None) -> bool:
        """Only for fields never seen noisy: there counting is slow and separation likely."""
        if evidence is None or evidence.reported or evidence.b or spot[1] is Kind.REFERENCE:
            return False
        return evidence.reasked < self.settings.reask_limit

    def _unconfirmed(self, triple: Triple, route: RouteState, found: Comparison) -> None:
        for spot, difference in found.spots().items():
            if not self.masks.hides(triple.route, spot, triple.at.date()):
                route.unconfirmed[route.known(spot)] = route.unconfirmed.get(route.known(spot), 0) + 1
                route.keep_example(triple, difference)

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON values; the settings are not part of it."""
        return {
            "places": self._places,
            "masks": [mask.to_json() for mask in self.masks],
            "routes": {name: route.to_json() for name, route in self.routes.items()},
        }

    @classmethod
    def from_json(cls, given: dict[str, Any], settings: JudgeSettings | None = None) -> "Judge":
        judge = cls(settings)
        judge._places = given["places"]
        judge.masks = Masks([Mask.from_json(each) for each in given["masks"]])
        judge.routes = {name: RouteState.from_json(route) for name, route in given["routes"].items()}
        return judge


def _not_judged(triple: Triple) -> str | None:
    if triple.not_judged is not None:
        return triple.not_judged
    return "old gave no answer" if triple.old.status == 0 else None


def _separated(spot: Spot, pairs: Mapping[tuple[int, int], tuple[set[Spot], set[Spot]]], old: int) -> bool:
    """All old answers agree in the spot, all new agree, each old differs from each new; the first ``old`` are the old ones."""
    either = {spot, mirrored(spot)}
    for (i, j), (there, back) in pairs.items():
        if i < old <= j:
            if spot not in there:
                return False
        elif either & (there | back):
            return False
    return True
