"""Finds the routes a path may mean by its segments, where the framework would try every route of every router.

The framework still matches, converts and answers: it is given the few candidates instead of all, in their order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

__all__ = ["RouteIndex", "install_routes", "methods_at"]

_REST: Final = ":path}"


def methods_at(app: Starlette, scope: Scope) -> list[str]:
    """Return every method that some route takes at the path of this request; HEAD goes without saying where GET is."""
    found: set[str] = set()
    for route in app.router.routes:
        methods = getattr(route, "methods", None)
        if methods and route.matches(scope)[0] is not Match.NONE:
            found.update(methods)
    return sorted(found)


def install_routes(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Give the application these routers' routes, side by side, found by an index.

    A router of ours needs nothing from being included: its routes carry its prefix, tags and answers already.
    """
    for router in routers:
        app.router.routes.extend(router.routes)
    app.router.middleware_stack = RouteIndex(app.router)


@dataclass(slots=True)
class _Node:
    """One segment of the paths: routes that end here, routes that take all that follows, and what comes next."""

    ends: list[int] = field(default_factory=list)
    takes_rest: list[int] = field(default_factory=list)
    words: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None


class RouteIndex:
    """Stands before a router; made anew when the router gets more routes."""

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._root = _Node()
        self._few: dict[tuple[int, ...], APIRouter] = {}
        self._indexed = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._router.app(scope, receive, send)
            return
        scope.setdefault("router", self._router)
        await self.candidates(scope["path"], scope.get("root_path", "")).app(scope, receive, send)

    def candidates(self, path: str, root_path: str = "") -> APIRouter:
        """Return a router of those routes alone that may match ``path``, in their order."""
        if self._indexed != len(self._router.routes):
            self._make()
        found: list[int] = []
        _collect(self._root, path.removeprefix(root_path).split("/"), 1, found)
        key = tuple(sorted(found))
        few = self._few.get(key)
        if few is None:
            few = self._few[key] = APIRouter(redirect_slashes=False)
            few.routes.extend(self._router.routes[number] for number in key)
        return few

    def _make(self) -> None:
        self._root, self._few = _Node(), {}
        for number, route in enumerate(self._router.routes):
            self._add(number, route)
        self._indexed = len(self._router.routes)

    def _add(self, number: int, route: BaseRoute) -> None:
        path: str | None = getattr(route, "path", None)
        node = self._root
        if path is None or not hasattr(route, "methods"):
            node.takes_rest.append(number)  # a mounted application, or what else decides for itself
            return
        for segment in path.split("/")[1:]:
            if _REST in segment:
                node.takes_rest.append(number)
                return
            if "{" not in segment:
                node = node.words.setdefault(segment, _Node())
                continue
            if node.parameter is None:
                node.parameter = _Node()
            node = node.parameter
        node.ends.append(number)


def _collect(node: _Node, segments: Sequence[str], depth: int, found: list[int]) -> None:
    found.extend(node.takes_rest)
    if depth == len(segments):
        found.extend(node.ends)
        return
    word = node.words.get(segments[depth])
    if word is not None:
        _collect(word, segments, depth + 1, found)
    if node.parameter is not None:
        _collect(node.parameter, segments, depth + 1, found)
