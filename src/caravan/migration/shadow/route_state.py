"""All that is known of one route: what was learnt, what was seen, what speaks against which spot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from caravan.migration.shadow.canonical import Canonicaliser, Flows, Learner
from caravan.migration.shadow.comparison import Seen
from caravan.migration.shadow.coverage import Coverage
from caravan.migration.shadow.differences import Difference, Kind, Spot
from caravan.migration.shadow.evidence import Evidence
from caravan.migration.shadow.leaves import leaf_paths
from caravan.migration.shadow.rules import Rules
from caravan.migration.shadow.triple import Example, Triple

__all__ = ["RouteState", "spot_from_text", "spot_to_text"]

MOST_SPOTS: Final = 2_000
MOST_EXAMPLES: Final = 200
_BEYOND: Final = f"(beyond the first {MOST_SPOTS})"
_ALL_LEAVES_UNTIL, _LEAVES_EVERY = 100, 50


@dataclass(slots=True)
class RouteState:
    """``unconfirmed`` counts differences of requests for which old was not asked again, ``ignored`` are headers not looked at.

    ``to_renew`` are spots whose example gives way to the next one, whatever its size.
    """

    learner: Learner = field(default_factory=Learner)
    flows: Flows = field(default_factory=Flows)
    coverage: Coverage = field(default_factory=Coverage)
    evidence: dict[Spot, Evidence] = field(default_factory=dict)
    unconfirmed: dict[Spot, int] = field(default_factory=dict)
    leaves: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)
    examples: dict[Spot, Example] = field(default_factory=dict)
    to_renew: set[Spot] = field(default_factory=set)
    _rules: Rules | None = None

    def rules(
        self, values: Mapping[str, Canonicaliser], sets: Mapping[str, str | None], ignored: frozenset[str]
    ) -> Rules:
        """What counts as equal on this route by now; what is declared goes before what is learnt."""
        if self._rules is None:
            self._rules = Rules({**self.learner.values(), **values}, {**self.learner.sets(), **sets}, ignored)
        return self._rules

    def learn(self, differing: list[tuple[str, Any, Any]], orders: list[tuple[str, str | None]]) -> None:
        """Take what differed between A and B; it holds from the next request on."""
        for path, old, again in differing:
            self.learner.observe(path, old, again)
        for path, key in orders:
            self.learner.observe_order(path, key)
        if differing or orders:
            self._rules = None

    def see(self, triple: Triple, old: Seen) -> None:
        """Note what the request covers, and now and then the leaves of the old answer."""
        self.coverage.take(triple.request, triple.old.status, triple.tags)
        self.ignored |= old.ignored_names()
        if self.coverage.judged <= _ALL_LEAVES_UNTIL or self.coverage.judged % _LEAVES_EVERY == 0:
            self.leaves |= leaf_paths(old)

    def known(self, spot: Spot) -> Spot:
        """The spot itself, or the one that stands for all beyond the most that are kept."""
        if spot in self.evidence or len(self.evidence) < MOST_SPOTS:
            return spot
        return _BEYOND, spot[1]

    def keep_example(self, triple: Triple, difference: Difference) -> None:
        """Keep the smallest pair of each spot; one that is to be renewed is the next."""
        spot = difference.spot
        example = Example(
            triple.id, triple.at, triple.route, triple.request, triple.old, triple.new, difference
        )
        held = self.examples.get(spot)
        if held is None and len(self.examples) >= MOST_EXAMPLES:
            return
        if held is None or spot in self.to_renew or example.size < held.size:
            self.examples[spot] = example
            self.to_renew.discard(spot)

    def to_json(self) -> dict[str, Any]:
        return {
            "learner": self.learner.to_json(),
            "flows": self.flows.to_json(),
            "coverage": self.coverage.to_json(),
            "evidence": {spot_to_text(spot): each.to_json() for spot, each in self.evidence.items()},
            "unconfirmed": {spot_to_text(spot): times for spot, times in self.unconfirmed.items()},
            "leaves": sorted(self.leaves),
            "ignored": sorted(self.ignored),
            "examples": [example.to_json() for example in self.examples.values()],
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "RouteState":
        examples = [Example.from_json(each) for each in given["examples"]]
        return cls(
            Learner.from_json(given["learner"]),
            Flows.from_json(given["flows"]),
            Coverage.from_json(given["coverage"]),
            {spot_from_text(text): Evidence.from_json(each) for text, each in given["evidence"].items()},
            {spot_from_text(text): times for text, times in given["unconfirmed"].items()},
            set(given["leaves"]),
            set(given["ignored"]),
            {example.spot: example for example in examples},
        )


def spot_to_text(spot: Spot) -> str:
    """Write a spot as ``kind path``."""
    return f"{spot[1].value} {spot[0]}"


def spot_from_text(text: str) -> Spot:
    """Read what ``spot_to_text`` wrote."""
    kind, _, path = text.partition(" ")
    return path, Kind(kind)
