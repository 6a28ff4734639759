"""Which side gives write authority and which takes it: all that tells the way there from the way back."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from caravan.migration.cutover.parties import Flow, Parties, Store
from caravan.migration.units.states import SWITCHED
from caravan.migration.units.values import UnitValues

__all__ = ["Roles", "roles_of"]

SideName: TypeAlias = Literal["old", "new"]


@dataclass(frozen=True, slots=True)
class Roles:
    """``drained`` is the flow from the side that gives, ``back`` the one that keeps it current afterwards."""

    to: SideName
    giver: Store
    taker: Store
    drained: Flow
    back: Flow


def roles_of(parties: Parties, after: UnitValues) -> Roles:
    """Return the roles in a transition that ends with these values."""
    if after.state >= SWITCHED:
        return Roles("new", parties.old, parties.new, parties.forward, parties.reverse)
    return Roles("old", parties.new, parties.old, parties.reverse, parties.forward)
