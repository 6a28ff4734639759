"""Fences that stand: which, whose, what opens them by hand; and taking them down outside of a cutover."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from caravan.migration.cutover.errors import FenceStandsError
from caravan.migration.cutover.operating import Cutovers
from caravan.migration.cutover.parties import Store
from caravan.migration.cutover.roles import SideName
from caravan.migration.units import STATES, append, stored_units
from caravan.migration.units.states import SWITCHED

__all__ = ["StandingFence", "release_fences", "standing_fences"]

_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class StandingFence:
    """``whole`` tells whether all parts are there; ``by_hand`` are the statements that take it down."""

    side: SideName
    store: str
    transition: UUID
    whole: bool
    by_hand: tuple[str, ...]


def standing_fences(cutovers: Cutovers) -> Iterator[StandingFence]:
    """Look at both stores."""
    sides: tuple[tuple[SideName, Store], ...] = (("old", cutovers.parties.old), ("new", cutovers.parties.new))
    for side, store in sides:
        for transition in store.fence.standing():
            by_hand = tuple(store.fence.by_hand(transition))
            yield StandingFence(side, store.name, transition, store.fence.is_up(transition), by_hand)


def release_fences(cutovers: Cutovers, unit: str, *, force: bool = False) -> list[StandingFence]:
    """Take down what stands, settle first what was cut short; the journal says by whom. Returns what was taken down.

    Raises:
        FenceStandsError: the old side's fence belongs to the unit's state, and nobody insists.
        LeaseHeldError: a cutover is under way.
    """
    with cutovers.opened() as on:
        on.coordinator.settle(on.lease, unit)
        stored = stored_units(on.connection, cutovers.scope).get(unit)
        state = stored.values.state if stored else 0
        standing = list(standing_fences(cutovers))
        if any(fence.side == "old" for fence in standing) and state >= SWITCHED and not force:
            raise FenceStandsError(f"{unit!r} is {STATES[state].name}: the old store has to stay fenced.")
        for fence in standing:
            store = cutovers.parties.old if fence.side == "old" else cutovers.parties.new
            store.fence.take_down(fence.transition, within=_WITHIN)
            with on.connection.transaction(), on.connection.cursor() as cursor:
                facts = {"side": fence.side, "fence": str(fence.transition), "forced": force, "state": state}
                append(
                    cursor,
                    cutovers.scope,
                    at=cutovers.clock(),
                    phase="fence released",
                    by=cutovers.by,
                    facts=facts,
                    unit=unit,
                )
    return standing
