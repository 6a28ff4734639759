"""The addresses that callers poll, answered before the framework's own layers."""

from typing import Final

from fastapi import FastAPI, Request
from starlette.types import Receive, Scope, Send

from caravan.legacy.deduper.addresses import LegacyRoute

__all__ = ["answer_polled_first"]

_POLLED: Final = frozenset({"/deduper/health", "/deduper/jobs/list"})


def answer_polled_first(app: FastAPI) -> None:
    """Put them in front, when all routes and layers are there. What fails is asked again of the layers behind: they tell errors."""
    routes = {
        route.path: route
        for route in app.router.routes
        if isinstance(route, LegacyRoute) and route.path in _POLLED
    }
    behind = app.build_middleware_stack()

    async def stack(scope: Scope, receive: Receive, send: Send) -> None:
        polled = scope["type"] == "http" and scope["method"] == "GET"
        route = routes.get(scope["path"]) if polled else None
        if route is None:
            await behind(scope, receive, send)
            return
        try:
            response = await route.endpoint(Request(scope, receive, send))
        except Exception:  # noqa: BLE001 - whatever it is, it is told there
            await behind(scope, receive, send)
            return
        scope["route"] = route
        await response(scope, receive, send)

    app.middleware_stack = stack
