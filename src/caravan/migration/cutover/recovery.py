"""Settles cutovers whose process is gone: what starts next undoes or finishes them, before anything else."""

from collections.abc import Callable

from caravan.core.database import DatabaseAddress
from caravan.migration.config import MigrationConfig
from caravan.migration.cutover.operating import Cutovers
from caravan.migration.units import LeaseHeldError, Moved, Scope, connected
from caravan.migration.units.cutover_steps import is_cutover
from caravan.migration.units.store import open_transition

__all__ = ["settle_interrupted"]


def settle_interrupted(
    address: DatabaseAddress, scope: Scope, config: MigrationConfig, cutovers_of: Callable[[str], Cutovers]
) -> list[Moved]:
    """Settle every cutover of this migration that was cut short; one that somebody is at is left alone.

    ``cutovers_of`` is asked for a unit only when it has one: opening stores is dear.

    Raises:
        CaravanError: a store or gateway does not do its part; asking again goes on.
    """
    with connected(address, read_only=True) as connection:
        found = [
            unit.name
            for unit in config.units
            if (pending := open_transition(connection, scope, unit.name)) and is_cutover(pending.inverse)
        ]
    settled = []
    for unit in found:
        try:
            moved = cutovers_of(unit).settle(unit)
        except LeaseHeldError:
            continue
        settled += [moved] if moved is not None else []
    return settled
