"""Gates that turn red: what a unit had passed where it is, and does not pass any more."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self

from caravan.migration.conductor.alerts import Alarm
from caravan.migration.conductor.readable_checks import readable
from caravan.migration.units import Check, UnitPlan

__all__ = ["GateWatch"]

_TOLD_OTHERWISE: Final = frozenset(("sides", "shadow", "canary"))
"""Sides are asked when somebody goes on; differences and decisions have alarms of their own, and what was seen only falls when a
person begins anew."""


@dataclass(slots=True)
class GateWatch:
    """``passed`` are names of checks by unit and place; a unit that moves begins anew."""

    passed: dict[str, set[str]] = field(default_factory=dict)

    def alarms(self, plans: Iterable[UnitPlan]) -> Iterator[Alarm]:
        """Yield an alarm for each check that was passed since the unit came where it is, and is not now."""
        known, self.passed = self.passed, {}
        for plan in plans:
            place = f"{plan.unit} {plan.at}"
            before = self.passed[place] = known.get(place, set())
            for check in _forward_checks(plan):
                if check.passed:
                    before.add(check.name)
                elif check.name in before:
                    yield _red(plan.unit, check)

    def to_json(self) -> dict[str, Any]:
        return {place: sorted(names) for place, names in self.passed.items()}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Self:
        return cls({place: set(names) for place, names in given.items()})


def _forward_checks(plan: UnitPlan) -> Iterator[Check]:
    for way in plan.ways:
        if not way.back:
            yield from (check for check in way.checks if check.name.partition(":")[0] not in _TOLD_OTHERWISE)


def _red(unit: str, check: Check) -> Alarm:
    told = readable(check)
    said = f"{unit}: the gate {told.name} has turned red: {told.measured}; needed: {told.needed}"
    return Alarm(f"gate {unit} {check.name}", "warning", said, unit, check.as_json())
