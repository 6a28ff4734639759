"""Differences as the conductor saved them last: what people may accept or have asked again has to be among them."""

from contextlib import suppress
from datetime import date
from typing import Any, Final

from caravan.core.database import DatabaseAddress
from caravan.migration.conductor.errors import DifferenceUnknownError
from caravan.migration.config import MigrationConfig
from caravan.migration.shadow import Judge, Mask, MaskRefusedError, ReplayRefusedError, route_names
from caravan.migration.units import Accepted, Scope, accepted_differences, connected

__all__ = ["refuse_too_much", "refuse_unfound", "replayable"]

_LEAVES: Final = """
SELECT document -> 'routes' -> %(route)s -> 'leaves' FROM engine.conductor_state
WHERE org_id = %(org)s AND migration = %(migration)s AND part = %(part)s
"""
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


def refuse_too_much(
    address: DatabaseAddress, scope: Scope, config: MigrationConfig, accepted: Accepted, today: date
) -> None:
    """Raise ``MaskRefusedError`` where it would hide too much of what was seen of its route, with what is accepted there already."""
    unit = next((route.unit for route in config.routes if accepted.route in route_names(route)), None)
    with connected(address, read_only=True) as connection:
        here = {**scope.parameters, "part": f"judge {unit or ''}", "route": accepted.route}
        row = connection.execute(_LEAVES.encode(), here).fetchone()
        there = accepted_differences(connection, scope, config, today)
    leaves: list[str] = (row[0] if row else None) or []
    masks = Judge().masks
    for one in there:
        if one.route == accepted.route and (one.path, one.kind) != (accepted.path, accepted.kind):
            with suppress(MaskRefusedError):
                masks.accept(Mask.from_json(one.as_json()), leaves, today)
    masks.accept(Mask.from_json(accepted.as_json()), leaves, today)


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
