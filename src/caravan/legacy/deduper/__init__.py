"""The deduper's worker: nine addresses that queue runs of a program and show what came of them.

Its web parts are imported when they are asked for: the process that runs jobs imports ``workflow`` alone.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

    from caravan.core.http.errors import ErrorShape
    from caravan.core.http.state import AppState
    from caravan.core.protocols import TenantDirectory

__all__ = ["answer_polled_first", "error_shapes", "install", "routers"]


def routers() -> list["APIRouter"]:
    """Return the router of the old addresses."""
    from caravan.legacy.deduper import routes  # noqa: PLC0415 - only a server needs them

    return [routes.router()]


def error_shapes(*, alone: bool = False) -> Mapping[str, "ErrorShape"]:
    """Return who answers errors below the old addresses, or everywhere when nothing else is served."""
    from caravan.legacy.deduper.error_pages import error_shape  # noqa: PLC0415 - only a server needs it

    return dict.fromkeys(("", "*") if alone else ("/", "/test", "/deduper"), error_shape)


async def install(state: "AppState", directory: "TenantDirectory") -> None:
    """Give the application its queue, before the first request."""
    from caravan.legacy.deduper.queue import SERVICE, open_queue  # noqa: PLC0415 - only a server needs it

    state.services[SERVICE] = await open_queue(state.database, directory, state.settings)


def answer_polled_first(app: "FastAPI") -> None:
    """Have what callers poll answered before the framework's layers; called when the application is whole."""
    from caravan.legacy.deduper import polled_first  # noqa: PLC0415 - only a server needs it

    polled_first.answer_polled_first(app)
