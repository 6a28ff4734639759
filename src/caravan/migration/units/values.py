"""What a gateway has to know of a unit, and the steps that lead from one such value to another."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from caravan.migration.units.states import CANARY, Protocol

__all__ = ["FLIP_DONE", "Step", "UnitValues", "steps_between", "unwinding_steps"]

_HOLD_DONE: Final = 2
"""Of a switch: once the hold is done the flip may have begun."""

FLIP_DONE: Final = 3
"""Of a switch: from here on the other side has authority, and releasing the writes is all that is left."""


@dataclass(frozen=True, slots=True)
class UnitValues:
    """``state`` 0 to 9, ``share`` of the cohort keys, ``stage`` from 1 in a canary; ``armed`` and ``held`` in a switch.

    ``salt`` belongs to one canary: who is a member stays one while it widens.
    """

    state: int = 0
    stage: int = 0
    share: float = 0.0
    salt: str = ""
    armed: bool = False
    held: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "UnitValues":
        return cls(**given)

    @property
    def stage_told(self) -> str:
        """The share for people, in a canary."""
        return f" {self.share:.0%}" if self.state == CANARY else ""


@dataclass(frozen=True, slots=True)
class Step:
    """One publication: after it every gateway process follows ``values``.

    With ``effect`` it is an act of whoever moves data instead, done while gateways follow ``values``; ``undo`` is the effect that
    takes it back.
    """

    name: str
    values: UnitValues
    effect: str = ""
    undo: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON; a publication looks as it did before there were effects."""
        acts = {"effect": self.effect, "undo": self.undo} if self.effect else {}
        return {"name": self.name, "values": self.values.as_json(), **acts}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Step":
        values = UnitValues.from_json(given["values"])
        return cls(given["name"], values, given.get("effect", ""), given.get("undo", ""))


def steps_between(before: UnitValues, after: UnitValues, protocol: Protocol, effect: str = "") -> list[Step]:
    """Return the steps of an edge without a cutover; ``effect`` is done before the publication.

    In a switch writes are held from before the flip until after it.
    """
    if protocol == "publish":
        acts = [Step(effect, before, effect)] if effect else []
        return [*acts, Step("publish", after)]
    return [
        Step("arm", replace(before, armed=True)),
        Step("hold", replace(before, armed=True, held=True)),
        Step("flip", replace(after, armed=True, held=True)),
        Step("release", after),
    ]


def unwinding_steps(
    before: UnitValues, after: UnitValues, steps: Sequence[Step], done_steps: int
) -> list[Step]:
    """Return what leads back from a transition of which so many steps are surely done, and perhaps one more.

    Before the hold the authority cannot have moved, so publishing the old values is enough. Behind it writes are held on
    both sides of the flip while it is turned back.
    """
    if steps[-1].name == "publish" or done_steps < _HOLD_DONE:
        return [Step("release", before)]
    return [
        Step("hold", replace(after, armed=True, held=True)),
        Step("flip back", replace(before, armed=True, held=True)),
        Step("release", before),
    ]
