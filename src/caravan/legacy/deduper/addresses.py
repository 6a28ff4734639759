"""Routes found as the legacy's framework (Werkzeug 3) found them: no trailing slash, OPTIONS, HTML for wrong methods.

Checking, reading and answering is left to the endpoint: such a route costs little more than the call of its function.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from caravan.legacy.deduper.error_pages import allowed, error_page, moved_page
from caravan.legacy.deduper.report_ids import read_report_id

__all__ = ["LegacyRoute", "MergedSlashes"]

_HTML: Final = "text/html; charset=utf-8"
_PARAMETER: Final = re.compile(r"\\{(\w+)\\}")
_SAFE: Final = "!$&'()*+,/:;=@"
_CACHED: Final = "legacy_pattern"
_SHARED: Final = "legacy_methods"


class LegacyRoute(APIRoute):
    """A parameter takes any one segment; ``reportId`` takes digits alone. ``share`` tells it of others at its address."""

    def share(self, methods: frozenset[str]) -> None:
        """Remember what all routes of this address take together."""
        self.__dict__[_SHARED] = methods

    @property
    def shared(self) -> frozenset[str]:
        """What is taken at this address."""
        found: frozenset[str] = self.__dict__.get(_SHARED) or frozenset(self.methods or ())
        return found

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the whole path; another method is a match in part."""
        found = self._pattern().fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            return Match.NONE, {}
        parameters = found.groupdict()
        if "reportId" in parameters:
            parameters["reportId"] = read_report_id(parameters["reportId"])
            if parameters["reportId"] is None:
                return Match.NONE, {}
        match = Match.FULL if scope["method"] in (self.methods or ()) else Match.PARTIAL
        return match, {"endpoint": self.endpoint, "path_params": parameters, "route": self}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer OPTIONS and wrong methods here, the rest by the endpoint."""
        if scope["method"] in (self.methods or ()):
            # Nothing is injected or left open here, so what the framework wraps around an endpoint is left out.
            response = await self.endpoint(Request(scope, receive, send))
            await response(scope, receive, send)
            return
        headers = {"Allow": allowed(self.shared)}
        known = scope["method"] == "OPTIONS"
        answer = Response(headers=headers, media_type=_HTML) if known else error_page(405, headers=headers)
        await answer(scope, receive, send)

    def _pattern(self) -> re.Pattern[str]:
        known: re.Pattern[str] | None = self.__dict__.get(_CACHED)
        if known is None:
            expression = _PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(self.path))
            known = self.__dict__[_CACHED] = re.compile(expression)
        return known


class MergedSlashes(BaseRoute):
    """Takes paths with empty segments: leading slashes do not matter, inner ones lead to the path without them."""

    def __init__(self, routes: Sequence[LegacyRoute]) -> None:
        self._routes = tuple(routes)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match when the path, without the leading or without all repeated slashes, is one of ours."""
        if scope["type"] != "http" or "//" not in scope["path"]:
            return Match.NONE, {}
        plain = "/" + scope["path"].lstrip("/")
        for path in (plain, re.sub("/{2,}", "/", plain)):
            best: tuple[Match, Scope] = Match.NONE, {}
            for route in self._routes:
                found, child = route.matches({**scope, "path": path})
                if found.value > best[0].value:
                    best = found, {**child, "path": path, "moved": path != plain}
            if best[0] is not Match.NONE:
                return Match.FULL, best[1]
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it, or tell the merged address; a method that the address does not take is refused at once."""
        route: LegacyRoute = scope["route"]
        if scope["moved"] and scope["method"] in route.shared | {"OPTIONS"}:
            await moved_page(_absolute(scope))(scope, receive, send)
            return
        await route.handle(scope, receive, send)


def _absolute(scope: Scope) -> str:
    request = Request(scope)
    host = request.headers.get("host", "localhost")
    query = scope["query_string"].decode("latin-1")
    return f"{scope['scheme']}://{host}{quote(scope['path'], safe=_SAFE)}{'?' if query else ''}{query}"
