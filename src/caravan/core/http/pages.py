"""Pages of the console: who brings which, who may see them, and the one way to render them.

The shell that draws them lives above; a room that brings pages knows only what is here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Protocol, cast

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from caravan.core.http.router import ApiRoute
from caravan.core.http.state import state_of
from caravan.core.principal import Principal

__all__ = [
    "CONSOLE",
    "NO_NUL",
    "PAGE_SHELL",
    "ConsolePage",
    "ConsolePages",
    "PageSet",
    "PageShell",
    "page_router",
    "render_page",
]

CONSOLE: Final = "/console"
NO_NUL: Final = r"^[^\x00]*$"
"""What text in an address must match before it is compared with a column: PostgreSQL's text cannot hold U+0000."""
PAGE_SHELL: Final = "page_shell"
"""The name of the ``PageShell`` among the application's services."""


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """One entry of the navigation; ``scopes`` as the page's guard has them, ``order`` sorts pages and their groups."""

    title: str
    path: str
    group: str
    order: int
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageSet:
    """What one room brings: templates, found as ``<name>/<file>``, and pages that enter the navigation."""

    name: str
    templates: Path
    pages: tuple[ConsolePage, ...] = ()


class ConsolePages:
    """Every page of the navigation, in order."""

    def __init__(self, sets: Iterable[PageSet]) -> None:
        pages = [page for page_set in sets for page in page_set.pages]
        first: dict[str, int] = {}
        for page in pages:
            first[page.group] = min(page.order, first.get(page.group, page.order))
        self._pages = sorted(pages, key=lambda page: (first[page.group], page.group, page.order, page.title))

    def visible_to(self, caller: Principal) -> list[ConsolePage]:
        """Return the pages this caller may open."""
        return [page for page in self._pages if not page.scopes or caller.may(*page.scopes)]

    def groups_for(self, caller: Principal) -> list[tuple[str, list[ConsolePage]]]:
        """Return the navigation of this caller, group by group."""
        found = groupby(self.visible_to(caller), key=lambda page: page.group)
        return [(group, list(pages)) for group, pages in found]


class PageShell(Protocol):
    """Draws a template inside the console's frame."""

    def render(
        self, request: Request, template: str, context: Mapping[str, Any], *, status: int = 200
    ) -> Response:
        """Return the page; ``template`` is ``<page set>/<file>``."""


def page_router() -> APIRouter:
    """Make a router of pages: below /console, outside of OpenAPI."""
    return APIRouter(
        prefix=CONSOLE,
        tags=["console"],
        include_in_schema=False,
        default_response_class=HTMLResponse,
        route_class=ApiRoute,
    )


def render_page(request: Request, template: str, *, status: int = 200, **context: object) -> Response:
    """Answer with a page in the shell's frame."""
    shell = cast("PageShell", state_of(request.app).services[PAGE_SHELL])
    return shell.render(request, template, context, status=status)
