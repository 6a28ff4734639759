"""What a cutover would do, and what stands against it now. Reads, and changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from caravan.core.errors import CaravanError
from caravan.migration.cutover.operating import Cutovers
from caravan.migration.cutover.preflight import preflight
from caravan.migration.cutover.releasing import StandingFence, standing_fences
from caravan.migration.cutover.roles import roles_of
from caravan.migration.cutover.store_errors import store_errors
from caravan.migration.units import (
    CUTOVER,
    STATES,
    Check,
    UnitPlan,
    UnitUnknownError,
    UnitValues,
    connected,
    plan_of,
)
from caravan.migration.units.states import SHADOW_READ, SWITCHED

__all__ = ["PlannedCutover", "planned_cutover"]

_MEASURED_THEN: Final = frozenset(("sides", "lag", "verification"))
"""Guards whose figures the switch itself takes when it begins: the preflight shows them."""


@dataclass(frozen=True, slots=True)
class PlannedCutover:
    """``to`` is the side that would take; ``gates`` are the guard's checks, empty on the way back; ``limits`` what the fence lets through."""

    unit: UnitPlan
    to: str
    gates: tuple[Check, ...]
    preflight: tuple[Check, ...]
    fences: tuple[StandingFence, ...]
    limits: tuple[str, ...]
    failed: str

    @property
    def open(self) -> bool:
        """Whether it could begin now."""
        return not self.failed and all(check.passed for check in (*self.gates, *self.preflight))

    def as_json(self) -> dict[str, Any]:
        return {
            "unit": self.unit.unit,
            "at": self.unit.at,
            "to": self.to,
            "open": self.open,
            "gates": [check.as_json() for check in self.gates],
            "preflight": [check.as_json() for check in self.preflight],
            "fences": [
                {
                    "side": one.side,
                    "transition": str(one.transition),
                    "whole": one.whole,
                    "by_hand": one.by_hand,
                }
                for one in self.fences
            ],
            "fence_limits": list(self.limits),
            "failed": self.failed,
            "steps": [
                {"number": step.number, "name": step.name, "does": step.does, "undone": step.undone}
                for step in CUTOVER
            ],
        }

    def told(self) -> Iterator[str]:
        """Yield the lines for people."""
        verdict = "could begin now" if self.open else "cannot begin now"
        yield f"{self.unit.unit} is {self.unit.at}; write authority to the {self.to} side: {verdict}"
        if self.unit.interrupted is not None:
            yield f"  cut short: {self.unit.interrupted.edge}; the same command settles it"
        if self.failed:
            yield f"  FAILED {self.failed}"
        for check in (*self.gates, *self.preflight):
            mark = "ok    " if check.passed else "CLOSED"
            yield f"  {mark} {check.name}: {check.measured}; needed: {check.needed}"
        yield from (f"  the fence does not stop: {limit}" for limit in self.limits)
        for fence in self.fences:
            whole = "whole" if fence.whole else "in parts"
            yield f"  a fence stands on the {fence.side} side, {whole}, of the transition {fence.transition}"
        yield "steps:"
        for step in CUTOVER:
            yield f"  {step.number:>3} {step.name:14} {step.does}"
            yield f"      {'':14} done already when: {step.known_done}"
            yield f"      {'':14} undone: {step.undone}"


def planned_cutover(cutovers: Cutovers, unit: str) -> PlannedCutover:
    """Look at what the next switch of a unit would meet: there before it, back behind it.

    Raises:
        UnitUnknownError: there is no such unit.
    """
    declared = cutovers.config.unit(unit)
    if declared is None:
        known = ", ".join(each.name for each in cutovers.config.units) or "none"
        raise UnitUnknownError(f"{cutovers.config.file}: there is no unit {unit!r}; there are {known}.")
    with connected(cutovers.address, read_only=True) as connection:
        plan = plan_of(connection, cutovers.scope, cutovers.config, declared, cutovers.clock())
    back = plan.values.state >= SWITCHED
    after = UnitValues(SHADOW_READ if back else SWITCHED)
    ways = [] if back else [way for way in plan.ways if way.edge == "cut over"]
    gates = [
        check for way in ways for check in way.checks if check.name.partition(":")[0] not in _MEASURED_THEN
    ]
    roles = roles_of(cutovers.parties, after)
    checks: list[Check] = []
    fences: list[StandingFence] = []
    limits: tuple[str, ...] = ()
    failed = ""
    failures: tuple[type[Exception], ...] = (CaravanError, *store_errors())
    try:
        checks = preflight(cutovers.look(roles))
        fences = list(standing_fences(cutovers))
        limits = tuple(roles.giver.fence.limits)
    except failures as error:
        failed = error.message if isinstance(error, CaravanError) else f"{type(error).__name__}: {error}"
    state = STATES[plan.values.state].name
    if not back and not ways:
        failed = failed or f"the unit is {state}: it switches from the last stage of its canary"
    return PlannedCutover(plan, roles.to, tuple(gates), tuple(checks), tuple(fences), tuple(limits), failed)
