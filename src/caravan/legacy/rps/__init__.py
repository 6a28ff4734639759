"""RPS: the CRM and order package behind the portal.

Its web parts are imported when they are asked for: every process of a load maps records and serves no page.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import APIRouter

    from caravan.core.http.errors import ErrorShape
    from caravan.core.http.pages import PageSet

__all__ = ["console_routers", "error_shapes", "page_set", "routers"]


def routers() -> list["APIRouter"]:
    """Return the routers of the bridge."""
    from caravan.legacy.rps import routes  # noqa: PLC0415 - only a server needs them

    return routes.routers()


def error_shapes() -> Mapping[str, "ErrorShape"]:
    """Return who answers errors below the bridge's paths."""
    from caravan.legacy.rps import routes  # noqa: PLC0415 - only a server needs them

    return routes.error_shapes()


def console_routers() -> list["APIRouter"]:
    """Return the routers of the console's pages."""
    from caravan.legacy.rps import pages  # noqa: PLC0415 - only a server needs them

    return pages.console_routers()


def page_set() -> "PageSet":
    """Return the pages for the console's navigation."""
    from caravan.legacy.rps import pages  # noqa: PLC0415 - only a server needs them

    return pages.page_set()
