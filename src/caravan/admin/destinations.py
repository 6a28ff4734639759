"""Where to go after a log-in: a page of the console, whatever the address asks for."""

from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from fastapi import Request

from caravan.core.http.pages import CONSOLE

__all__ = [
    "FORGOT",
    "INVITATION",
    "LOGIN",
    "LOGOUT",
    "PASSWORD",
    "RENEW",
    "RESET",
    "asked_for",
    "safe_destination",
    "with_next",
]

LOGIN: Final = f"{CONSOLE}/login"
LOGOUT: Final = f"{CONSOLE}/logout"
PASSWORD: Final = f"{CONSOLE}/password"
RENEW: Final = f"{CONSOLE}/renew"
FORGOT: Final = f"{CONSOLE}/forgot"
RESET: Final = f"{CONSOLE}/password-reset"
INVITATION: Final = f"{CONSOLE}/invitation"
_LONGEST: Final = 2_000


def safe_destination(wanted: str | None) -> str:
    """Return ``wanted`` when it is a path of the console on this host, else the console's first page."""
    if not wanted or len(wanted) > _LONGEST or not wanted.isprintable() or "\\" in wanted:
        return CONSOLE
    parts = urlsplit(wanted)
    inside = parts.path == CONSOLE or parts.path.startswith(f"{CONSOLE}/")
    circles = parts.path in {LOGIN, RENEW, PASSWORD}
    climbs = ".." in parts.path.split("/") or "//" in parts.path or "%" in parts.path
    if parts.scheme or parts.netloc or not inside or circles or climbs:
        return CONSOLE
    return quote(parts.path, safe="/") + (
        f"?{quote(parts.query, safe='=&%+:,;@!$*().~-_')}" if parts.query else ""
    )


def asked_for(request: Request) -> str:
    """Return where a visitor who must log in first was going; a form that was sent is begun again."""
    if request.method != "GET":
        return LOGOUT if request.scope["path"] == LOGOUT else CONSOLE
    query = request.url.query
    return safe_destination(request.scope["path"] + (f"?{query}" if query else ""))


def with_next(path: str, destination: str) -> str:
    """Return ``path`` with the destination to go on to."""
    return path if destination == CONSOLE else f"{path}?{urlencode({'next': destination})}"
