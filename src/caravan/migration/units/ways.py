"""Targets as people write them, and the edge that leads there."""

import re
from dataclasses import dataclass
from typing import Final

from caravan.migration.config import Gates, Unit
from caravan.migration.units.cutover_steps import cutover_steps
from caravan.migration.units.errors import CompleteIsFinalError, EdgeMissingError
from caravan.migration.units.states import CANARY, COMPLETE, STATES, SWITCHED, Edge, edges_from, state_named
from caravan.migration.units.values import Step, UnitValues, steps_between

__all__ = ["Target", "Way", "reached", "target_text", "way_between", "way_to", "ways_from"]

_TARGET: Final = re.compile(r"([a-z-]+)(?::(\d+(?:\.\d+)?)%?)?")


@dataclass(frozen=True, slots=True)
class Target:
    """A state, and for a canary its percent; None means the first stage, or any for a canary that is open."""

    state: int
    percent: float | None = None

    @classmethod
    def parse(cls, text: str, gates: Gates) -> "Target":
        """Read ``switched`` or ``canary:25``.

        Raises:
            EdgeMissingError: no state has this name, or no stage this percent.
        """
        found = _TARGET.fullmatch(text.strip())
        state = state_named(found[1]) if found else None
        if found is None or state is None:
            names = ", ".join(each.name for each in STATES)
            raise EdgeMissingError(
                f"There is no state {text!r}; the states are {names}, a canary's stage canary:25."
            )
        if found[2] is None:
            return cls(state.number)
        if state.number != CANARY:
            raise EdgeMissingError(f"{state.name} has no percent; only a canary has.")
        if float(found[2]) not in gates.stages:
            stages = ", ".join(f"{stage:g}" for stage in gates.stages)
            raise EdgeMissingError(f"{found[2]} is no stage of the file; [gates] stages are {stages}.")
        return cls(state.number, float(found[2]))


@dataclass(frozen=True, slots=True)
class Way:
    """One edge from where a unit is: what it comes to, the steps there, and the inverse that is stored before acting."""

    edge: Edge
    before: UnitValues
    after: UnitValues
    steps: list[Step]
    inverse: list[Step]


def reached(values: UnitValues, target: Target, gates: Gates) -> bool:
    """Tell whether the unit is where it is asked to go."""
    if values.state != target.state:
        return False
    return target.percent is None or (
        values.stage > 0 and gates.stages[min(values.stage, len(gates.stages)) - 1] == target.percent
    )


def ways_from(unit: Unit, values: UnitValues, gates: Gates, salt: str) -> list[Way]:
    """Return the ways that a unit has: ``salt`` is for a canary that opens."""
    ways = []
    for edge in edges_from(values.state, has_data=unit.has_data):
        after = _after(edge, values, gates, salt)
        if after is not None:
            ways.append(way_between(edge, values, after))
    return ways


def way_to(unit: Unit, values: UnitValues, target: Target, gates: Gates, *, back: bool, salt: str) -> Way:
    """Return the way to a target that one edge reaches.

    Raises:
        EdgeMissingError: naming where the unit can go.
        CompleteIsFinalError: nothing leads back from complete.
    """
    if back and values.state == COMPLETE:
        raise CompleteIsFinalError(
            f"The unit {unit.name!r} is complete: the old side is not kept current any more."
        )
    ways = [way for way in ways_from(unit, values, gates, salt) if way.edge.back == back]
    found = next((way for way in ways if reached(way.after, target, gates)), None)
    if found is None:
        there = ", ".join(target_text(way.after, gates) for way in ways) or "nowhere"
        word = "back" if back else "on"
        raise EdgeMissingError(
            f"The unit {unit.name!r} is {target_text(values, gates)}; from there it goes {word} to {there}."
        )
    return found


def _after(edge: Edge, before: UnitValues, gates: Gates, salt: str) -> UnitValues | None:
    if edge.target == CANARY:
        stage = before.stage + 1 if edge.source == CANARY else 1
        if stage > len(gates.stages):
            return None
        kept = before.salt if edge.source == CANARY else salt
        return UnitValues(CANARY, stage, gates.stages[stage - 1] / 100, kept)
    if edge.target == SWITCHED and edge.source == CANARY and before.stage < len(gates.stages):
        return None  # the canary has stages left
    return UnitValues(edge.target)


def way_between(edge: Edge, before: UnitValues, after: UnitValues) -> Way:
    """Return the way along an edge between two values: a drill's way back ends where the drill began."""
    if edge.protocol == "cutover":
        return Way(edge, before, after, cutover_steps(before, after), cutover_steps(after, before))
    there = steps_between(before, after, edge.protocol, edge.effect)
    return Way(edge, before, after, there, steps_between(after, before, edge.protocol))


def target_text(values: UnitValues, gates: Gates) -> str:
    """Return where these values are, as ``Target.parse`` reads it."""
    name = STATES[values.state].name
    if values.state == CANARY and values.stage:
        return f"{name}:{gates.stages[min(values.stage, len(gates.stages)) - 1]:g}"
    return name
