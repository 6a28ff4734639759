"""The page of a migration's data: its flows, and of each data set what was loaded, refused, verified."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.http import Read, guard, state_of
from caravan.core.http.pages import page_router, render_page
from caravan.core.principal import Principal
from caravan.migration.config import MigrationConfig
from caravan.migration.console.data_figures import loaded, set_views
from caravan.migration.console.flow_views import FlowView, flow_views
from caravan.migration.console.known_files import file_of, stored_file
from caravan.migration.console.looking import looked, scope_of
from caravan.migration.console.migration_name import MigrationName
from caravan.migration.console.permissions import VIEW
from caravan.migration.console.verified_subjects import VerifiedSubject, data_set_subject, verified_subjects
from caravan.migration.units import Scope, connected

__all__ = ["router"]

_SEES_QUARANTINE: Final = ("admin", "view_usage")

router: APIRouter = page_router()


@dataclass(frozen=True, slots=True)
class _Moving:
    """``declared`` are the data sets of the file, in its order."""

    declared: Sequence[str]
    flows: Sequence[FlowView]
    verified: dict[str, VerifiedSubject]


@router.get("/migrations/{migration}/data")
async def data_page(
    request: Request, session: Read, migration: MigrationName, caller: Principal = guard(*VIEW)
) -> Response:
    """Show flows and data sets."""
    found = await looked(request, caller, migration)
    scope = scope_of(request, caller, migration)
    address = state_of(request.app).system_database.address
    moving = await asyncio.to_thread(_moving, address, scope, file_of(request, scope))
    today = utc_now().date()
    brought = await loaded(session, migration, today)
    sets = set_views(moving.declared, brought, moving.verified, today)
    own = {data_set_subject(one.name) for one in sets}
    return render_page(
        request,
        "migration/data.html",
        look=found,
        seen=found.seen,
        flows=moving.flows,
        sets=sets,
        load=brought.load,
        others=[one for name, one in moving.verified.items() if name not in own],
        sees_quarantine=caller.may(*_SEES_QUARANTINE),
    )


def _moving(address: DatabaseAddress, scope: Scope, given: MigrationConfig | None) -> _Moving:
    """Read what flows and verifications tell. Blocks."""
    with connected(address, read_only=True) as connection:
        config = given or stored_file(connection, scope)
        names = [one.name for one in config.data_sets] if config else []
        names += [name for unit in (config.units if config else ()) for name in unit.data_sets]
        return _Moving(
            list(dict.fromkeys(names)),
            flow_views(connection, scope, utc_now()),
            verified_subjects(connection, scope),
        )
