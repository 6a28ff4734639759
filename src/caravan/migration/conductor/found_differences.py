"""Differences as the conductor saved them last: what people may accept or have asked again has to be among them."""

from typing import Any, Final

from caravan.core.database import DatabaseAddress
from caravan.migration.conductor.errors import DifferenceUnknownError
from caravan.migration.config import MigrationConfig
from caravan.migration.shadow import MaskRefusedError, ReplayRefusedError, route_names
from caravan.migration.units import Accepted, Scope, connected

__all__ = ["refuse_unfound", "replayable"]

_FOUND: Final = """
SELECT unit, members FROM engine.difference_groups
WHERE org_id = %(org)s AND migration = %(migration)s AND (%(id)s::text IS NULL OR id = %(id)s)
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
"""


def refuse_unfound(address: DatabaseAddress, scope: Scope, accepted: Accepted) -> None:
    """Raise ``MaskRefusedError`` unless this very difference was found."""
    for _, members in _found(address, scope, kind=accepted.kind):
        if any((accepted.route, accepted.path) == (route, path) for route, path, *_ in members):
            return
    raise MaskRefusedError(
        f"{accepted.path}: {accepted.kind} was not found on {accepted.route}; only what was found can be accepted"
    )


def replayable(address: DatabaseAddress, scope: Scope, config: MigrationConfig, difference: str) -> str:
    """Return the unit of a difference whose routes only read.

    Raises:
        DifferenceUnknownError: there is none of this id any more.
        ReplayRefusedError: a route of it writes; such a request is never sent a second time.
    """
    found = _found(address, scope, identity=difference)
    if not found:
        raise DifferenceUnknownError(f"There is no difference {difference!r} any more.")
    unit, members = found[0]
    reads = {name for route in config.routes if route.effect == "read" for name in route_names(route)}
    for name, *_ in members:
        if name not in reads:
            raise ReplayRefusedError(f"{name} does not only read: it is never sent a second time.")
    return unit


def _found(
    address: DatabaseAddress, scope: Scope, *, identity: str | None = None, kind: str | None = None
) -> list[tuple[str, list[Any]]]:
    with connected(address, read_only=True) as connection:
        rows = connection.execute(_FOUND.encode(), {**scope.parameters, "id": identity, "kind": kind})
        return [(unit, members) for unit, members in rows]
