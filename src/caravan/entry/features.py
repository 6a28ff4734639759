"""Which features this installation serves: the one list of routers, error shapes and pages."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter

from caravan import admin
from caravan.commerce import affiliates, catalog, customers, orders, payments, promotions
from caravan.core.http.errors import ErrorShape
from caravan.core.http.state import AppState
from caravan.core.settings import Settings
from caravan.legacy import deduper, rps
from caravan.legacy.rps import pages as rps_pages
from caravan.migration import console as migration_console
from caravan.platform import identity, jobs
from caravan.platform.identity import IdentityTenantDirectory

__all__ = ["console", "error_shapes", "routers", "start_bridges"]

_FEATURES: Final = (identity, jobs, orders, customers, payments, catalog, promotions, affiliates, rps)
_PAGES: Final = (admin, migration_console, rps_pages)


def routers(settings: Settings | None = None) -> list[APIRouter]:
    """Return every router, the console's included; addresses without log-in are among them when settings open them."""
    found = [router for feature in _FEATURES for router in feature.routers()]
    if settings is not None and settings.deduper_bridge:
        found += deduper.routers()
    return found + [router for room in _PAGES for router in room.console_routers()]


def error_shapes(settings: Settings | None = None) -> Mapping[str, ErrorShape]:
    """Return who answers errors in a shape of its own, by path prefix."""
    opened = deduper.error_shapes() if settings is not None and settings.deduper_bridge else {}
    return {**rps.error_shapes(), **admin.error_shapes(), **opened}


async def start_bridges(state: AppState) -> None:
    """Give the bridges that settings open what they need of the database, before the first request."""
    if state.settings.deduper_bridge:
        await deduper.install(state, IdentityTenantDirectory(state.system_database))


def console(state: AppState) -> None:
    """Give the application the console's shell, with the pages of every room."""
    admin.install(state, [room.page_set() for room in _PAGES])
