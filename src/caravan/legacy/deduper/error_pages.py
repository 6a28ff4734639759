"""How the legacy's framework told errors: small HTML pages, whatever the caller accepts."""

from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Final

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from caravan.core.errors import CaravanError

__all__ = ["allowed", "error_page", "error_shape", "moved_page"]

_PAGE: Final = (
    "<!doctype html>\n<html lang=en>\n<title>{code} {name}</title>\n<h1>{name}</h1>\n<p>{text}</p>\n"
)
_MOVED: Final = "<!doctype html>\n<html lang=en>\n<title>{name}</title>\n<h1>{name}</h1>\n<p>{text}</p>\n"

_TEXTS: Final[Mapping[int, str]] = {
    400: "The browser (or proxy) sent a request that this server could not understand.",
    404: "The requested URL was not found on the server. If you entered the URL manually please check your spelling"
    " and try again.",
    405: "The method is not allowed for the requested URL.",
    415: "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.",
}
"""Word for word what callers saw; other codes tell our own message."""

_NAMES: Final[Mapping[int, str]] = {413: "Request Entity Too Large"}  # newer Pythons have another phrase


def error_page(status: int, text: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Answer with the page of this status; ``text`` is told where the legacy had no words of its own."""
    name = _NAMES.get(status) or HTTPStatus(status).phrase
    told = escape(_TEXTS.get(status, text or name), quote=True).replace("&#x27;", "&#39;")
    return HTMLResponse(_PAGE.format(code=status, name=name, text=told), status, dict(headers or {}))


def error_shape(_request: Request, error: CaravanError) -> Response:
    """Answer an error of the edge or of the framework as a page."""
    headers = dict(error.headers())
    return error_page(error.status, error.message, headers)


def moved_page(url: str) -> Response:
    """Answer 308 with the address to go to."""
    link = escape(url)
    page = _MOVED.format(name="Redirecting...", text=f'<a href="{link}">{link}</a>')
    return HTMLResponse(page, HTTPStatus.PERMANENT_REDIRECT, {"Location": url})


def allowed(methods: frozenset[str]) -> str:
    """Return the Allow header: what answers GET answers HEAD, and everything answers OPTIONS."""
    return ", ".join(sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())))
