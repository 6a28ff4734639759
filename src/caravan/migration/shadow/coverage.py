"""What the evidence has seen of a route, against what the contract says there is."""

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from caravan.migration.exchange import Request

__all__ = ["Contract", "Coverage", "CoverageReport", "undetected_bound"]

CONFIDENCE: Final = 0.95
_MOST_NAMES: Final = 500


@dataclass(frozen=True, slots=True)
class Contract:
    """What can occur on a route: query parameters, statuses by class (``2xx``), roles."""

    parameters: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """``bound``: with 95 % a defect on more than this share of requests would have shown. ``share`` of the contract was seen."""

    judged: int
    not_judged: dict[str, int]
    bound: float
    share: float
    unseen_parameters: tuple[str, ...]
    unseen_statuses: tuple[str, ...]
    unseen_roles: tuple[str, ...]


@dataclass(slots=True)
class Coverage:
    """Counts of one route. A role is a tag ``role:NAME`` of the exchange."""

    judged: int = 0
    not_judged: dict[str, int] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)
    statuses: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)

    def skip(self, reason: str) -> None:
        """Take an exchange that could not be judged, and why."""
        self.not_judged[reason] = self.not_judged.get(reason, 0) + 1

    def take(self, request: Request, status: int, tags: tuple[str, ...]) -> None:
        """Take a judged exchange."""
        self.judged += 1
        self.statuses.add(f"{status // 100}xx")
        self.roles.update(tag.removeprefix("role:") for tag in tags if tag.startswith("role:"))
        if request.query and len(self.parameters) < _MOST_NAMES:
            self.parameters.update(name for name, _ in parse_qsl(request.query, keep_blank_values=True))

    def against(self, contract: Contract) -> CoverageReport:
        """Hold what was seen against what there is; a contract that names nothing is covered by one judged exchange."""
        unseen = (
            contract.parameters - self.parameters,
            contract.statuses - self.statuses,
            contract.roles - self.roles,
        )
        named = len(contract.parameters) + len(contract.statuses) + len(contract.roles)
        share = 1 - sum(map(len, unseen)) / named if named else float(self.judged > 0)
        return CoverageReport(
            self.judged,
            dict(self.not_judged),
            undetected_bound(self.judged),
            share if self.judged else 0.0,
            *(tuple(sorted(each)) for each in unseen),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "judged": self.judged,
            "not_judged": self.not_judged,
            "parameters": sorted(self.parameters),
            "statuses": sorted(self.statuses),
            "roles": sorted(self.roles),
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Coverage":
        sets = {name: set(given[name]) for name in ("parameters", "statuses", "roles")}
        return cls(given["judged"], dict(given["not_judged"]), **sets)


def undetected_bound(judged: int) -> float:
    """The rule of three: without one difference in n exchanges, a defect on more than 3/n of requests is ruled out (95 %)."""
    return min(1.0, 3 / judged) if judged else 1.0
