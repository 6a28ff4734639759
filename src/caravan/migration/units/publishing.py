"""The port to the gateways: whoever runs some gives the engine a ``Publisher``."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from caravan.migration.units.scope import Scope
from caravan.migration.units.values import Step, UnitValues

__all__ = ["KeptOpen", "NoGateways", "Publication", "Publisher"]


@dataclass(frozen=True, slots=True)
class Publication:
    """One step of a transition. ``transition`` and ``number`` name it for ever: the same one twice has to do nothing new."""

    scope: Scope
    unit: str
    transition: UUID
    number: int
    step: Step


class Publisher(Protocol):
    """Makes gateways follow a unit's values."""

    def publish(self, publication: Publication) -> Mapping[str, Any]:
        """Return facts for the journal once every process has confirmed.

        Raises:
            CaravanError: one has not, in time; what is in force then is not known, and the step is asked for again.
        """

    def in_force(self, scope: Scope, unit: str) -> UnitValues | None:
        """Return what gateways are told of a unit now: the state and whether its writes are held; None where nobody is told."""


@runtime_checkable
class KeptOpen(Protocol):
    """A publisher that can keep its connections for several publications, where each moment counts."""

    def kept_open(self) -> AbstractContextManager[None]: ...


class NoGateways:
    """For a migration whose traffic no gateway of ours carries: the state is kept, nothing else follows it."""

    def publish(self, publication: Publication) -> Mapping[str, Any]:
        return {"step": publication.step.name, "gateways": 0}

    def in_force(self, scope: Scope, unit: str) -> UnitValues | None:  # noqa: ARG002 - the port's
        return None
