"""One look at a migration: the conductor's overview, the charts, who holds the lease."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg
from fastapi import Request

from caravan.core.database import DatabaseAddress
from caravan.core.http import state_of
from caravan.core.principal import NotFoundError, Principal
from caravan.migration.conductor import Overview, overview
from caravan.migration.conductor.overview import DifferenceView
from caravan.migration.config import MigrationConfig
from caravan.migration.console.charts import Chart, charts_of
from caravan.migration.console.cutover_history import CutoverHistory, cutover_history
from caravan.migration.console.known_files import file_of, stored_file, stored_names
from caravan.migration.console.only_migration import only_migration, refuse_others
from caravan.migration.console.readers import Present, present
from caravan.migration.console.traffic_series import series
from caravan.migration.units import Scope, connected

__all__ = ["Doing", "LeaseHolder", "Look", "look", "looked", "migration_names", "names_of", "scope_of"]

MINUTES: Final = 10.0
_LEASE: Final = """
SELECT holder, taken_at, expires_at FROM engine.migration_leases
WHERE org_id = %(org)s AND migration = %(migration)s AND expires_at > clock_timestamp()
"""
_PROBED: Final = """
SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = to_regprocedure('engine.note_dry_run_rows()') ORDER BY 1
"""
_TRANSITIONS: Final = """
SELECT unit, edge, by, created_at FROM engine.unit_transitions
WHERE org_id = %(org)s AND migration = %(migration)s AND phase IN ('acting', 'unwinding') ORDER BY created_at
"""


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """Who changes the migration at this moment: since when, and until when nobody else may unless it is renewed."""

    holder: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Doing:
    """A transition on its way, and who asked for it."""

    unit: str
    edge: str
    by: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """``can_move``: this process was given the file, without which nothing is published to gateways.

    ``with_data`` are the units whose data changes sides with them; ``present`` is who has a page of it open,
    ``probed`` the tables whose rows dry runs of writes tell. ``cutover`` is set for one unit, where it has data.
    """

    seen: Overview
    charts: Sequence[Chart]
    lease: LeaseHolder | None
    doing: Sequence[Doing]
    can_move: bool
    with_data: frozenset[str]
    present: Sequence[Present] = ()
    probed: Sequence[str] = ()
    cutover: CutoverHistory | None = None

    def reads(self, difference: DifferenceView) -> bool:
        """Tell whether every route of a difference only reads, so that it may be asked again."""
        effects = {route.route: route.effect for route in self.seen.routes}
        return all(effects.get(place.route) == "read" for place in difference.members)


def look(
    address: DatabaseAddress, scope: Scope, given: MigrationConfig | None, unit: str | None = None
) -> Look | None:
    """Look now; charts are of the unit's routes when one is named. None: there is no such migration. Blocks."""
    with connected(address, read_only=True) as connection:
        config = given or stored_file(connection, scope)
        if config is None:
            return None
        seen = overview(connection, scope, config, minutes=MINUTES)
        found = seen.unit(unit) if unit is not None else None
        pieces = series(connection, scope, seen.at, MINUTES, found.routes if found else None)
        with_data = frozenset(each.name for each in config.units if each.has_data)
        return Look(
            seen,
            charts_of(pieces),
            _lease(connection, scope),
            _doing(connection, scope),
            given is not None,
            with_data,
            present(connection, scope),
            [table for (table,) in connection.execute(_PROBED.encode())],
            cutover_history(connection, scope, unit) if unit in with_data else None,
        )


async def looked(request: Request, caller: Principal, migration: str, unit: str | None = None) -> Look:
    """Look for a page, in a thread of its own; raises ``NotFoundError``."""
    scope = scope_of(request, caller, migration)
    address = state_of(request.app).system_database.address
    found = await asyncio.to_thread(look, address, scope, file_of(request, scope), unit)
    if found is None:
        raise NotFoundError(f"There is no migration {migration!r} here.")
    return found


async def names_of(request: Request, caller: Principal) -> list[str]:
    """Return the migrations of the caller's organisation, or the one that this console is for."""
    address = state_of(request.app).system_database.address
    names = await asyncio.to_thread(migration_names, address, caller.require_org())
    return [name for name in names if only_migration(request) in (None, name)]


def migration_names(address: DatabaseAddress, org: UUID) -> list[str]:
    """Return the migrations of an organisation whose file has been read. Blocks."""
    with connected(address, read_only=True) as connection:
        return stored_names(connection, org)


def scope_of(request: Request, caller: Principal, migration: str) -> Scope:
    """Return the migration in the caller's own organisation; raises ``NotFoundError`` for one that is not this console's."""
    refuse_others(request, migration)
    return Scope(caller.require_org(), migration)


def _lease(connection: psycopg.Connection, scope: Scope) -> LeaseHolder | None:
    row = connection.execute(_LEASE.encode(), scope.parameters).fetchone()
    return LeaseHolder(*row) if row else None


def _doing(connection: psycopg.Connection, scope: Scope) -> list[Doing]:
    return [Doing(*row) for row in connection.execute(_TRANSITIONS.encode(), scope.parameters)]
