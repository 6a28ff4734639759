"""The port to the stores: whoever knows a unit's stores and flows gives the engine a ``Performer``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from caravan.migration.units.scope import Scope
from caravan.migration.units.values import Step, UnitValues

__all__ = ["Performance", "Performer"]


@dataclass(frozen=True, slots=True)
class Performance:
    """One act of a transition. ``before`` and ``after`` are the transition's: they tell which side gives and which takes.

    ``transition`` and ``number`` name it for ever: the same one twice has to do nothing new.
    """

    scope: Scope
    unit: str
    transition: UUID
    number: int
    step: Step
    before: UnitValues
    after: UnitValues


class Performer(Protocol):
    """Acts on stores and flows."""

    def perform(self, performance: Performance) -> Mapping[str, Any]:
        """Return facts for the journal once it is done.

        Raises:
            CaravanError: it is not; what is in force then is not known, and the act is asked for again or taken back.
        """
