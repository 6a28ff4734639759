"""The role a request was made in, for coverage: a tag of its exchange where the file says what tells it."""

from collections.abc import Callable
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

from caravan.migration.config import Shadow
from caravan.migration.exchange import Exchange, Request, first_header

__all__ = ["role_tagger"]


def role_tagger(declared: Shadow) -> Callable[[Exchange], Exchange]:
    """Return what adds the tag ``role:NAME``; other values than those declared are no role."""
    if declared.role is None:
        return lambda exchange: exchange
    place, _, name = declared.role.partition(":")
    read = {"header": _in_header, "cookie": _in_cookie, "query": _in_query}[place]

    def tagged(exchange: Exchange) -> Exchange:
        found = read(exchange.request, name)
        if found not in declared.roles:
            return exchange
        return replace(exchange, tags=(*exchange.tags, f"role:{found}"))

    return tagged


def _in_header(request: Request, name: str) -> str | None:
    return first_header(request.headers, name)


def _in_cookie(request: Request, name: str) -> str | None:
    try:
        found = SimpleCookie(first_header(request.headers, "cookie") or "").get(name)
    except CookieError:
        return None
    return found.value if found else None


def _in_query(request: Request, name: str) -> str | None:
    return dict(parse_qsl(request.query)).get(name)
