"""The console of an engine that runs alone: its first page, and how operators come in and leave."""

from http import HTTPStatus
from typing import Annotated, Final, cast
from urllib.parse import quote, urlencode, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from caravan.core.http import guard, public, state_of
from caravan.core.http.context import current_request
from caravan.core.http.forms import own_form
from caravan.core.http.pages import CONSOLE, NO_NUL, page_router, render_page
from caravan.core.principal import Principal
from caravan.migration.console.act_errors import OperatorRefusedError
from caravan.migration.console.only_migration import only_migration
from caravan.migration.console.operator_sessions import OPERATOR_COOKIE, SESSION_SECONDS, OperatorSessions
from caravan.migration.console.permissions import VIEW

__all__ = ["OPERATOR_SESSIONS", "router"]

OPERATOR_SESSIONS: Final = "operator_sessions"
"""The name of the ``OperatorSessions`` among the application's services."""

_LOGIN: Final = f"{CONSOLE}/login"
_LONGEST: Final = 2_000

router: APIRouter = page_router()

_Field = Annotated[str, Form(max_length=400, pattern=NO_NUL)]
_Going = Annotated[str, Form(max_length=_LONGEST + 48)]


@router.get("")
async def first_page(request: Request, _caller: Principal = guard(*VIEW)) -> Response:
    """Go to the one migration."""
    return _go(f"{CONSOLE}/migrations/{quote(only_migration(request) or '', safe='')}")


@router.get("/login", dependencies=[public()])
async def ask_for_token(request: Request, next: str = "", left: bool = False) -> Response:  # noqa: A002 - the name in the address
    """Show the form; who is logged in already goes on."""
    caller = request.scope["state"]["caller"]
    if isinstance(caller, Principal) and caller.id is not None:
        return _go(_inside(next))
    return _form(request, next, notice="You are logged out." if left else "")


@router.get("/renew", dependencies=[public()])
async def begin_again(next: str = "") -> Response:  # noqa: A002 - the name in the address
    """Nothing is renewed here; a cookie of the platform's console on this host may lead browsers to it."""
    return _go(f"{_LOGIN}?{urlencode({'next': _inside(next)})}")


@router.post("/login", dependencies=[public(), own_form()])
async def log_in(request: Request, name: _Field = "", token: _Field = "", next: _Going = "") -> Response:  # noqa: A002 - the name in the form
    """Begin a session of twelve hours."""
    known = current_request()
    try:
        value = await _sessions(request).begin(name.strip(), token.strip(), known.address if known else "")
    except OperatorRefusedError as error:
        problem = f"{error.title}. {error.fix}"
        return _form(request, next, name=name, problem=problem, status=error.status)
    response = _go(_inside(next))
    response.set_cookie(
        OPERATOR_COOKIE,
        value,
        max_age=SESSION_SECONDS,
        path=CONSOLE,
        secure=_secure(request),
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/logout", dependencies=[public()])
async def typed_log_out() -> Response:
    """An address that was typed ends nothing: the button of every page does."""
    return _go(CONSOLE)


@router.post("/logout", dependencies=[public(), own_form()])
async def leave(request: Request) -> Response:
    """End the session, here and wherever else its cookie is."""
    if value := request.cookies.get(OPERATOR_COOKIE):
        await _sessions(request).end(value)
    response = _go(f"{_LOGIN}?left=true")
    response.delete_cookie(
        OPERATOR_COOKIE, path=CONSOLE, secure=_secure(request), httponly=True, samesite="lax"
    )
    return response


def _form(
    request: Request,
    destination: str,
    *,
    name: str = "",
    notice: str = "",
    problem: str = "",
    status: int = HTTPStatus.OK,
) -> Response:
    return render_page(
        request,
        "migration/log_in.html",
        status=status,
        migration=only_migration(request),
        destination=_inside(destination),
        name=name,
        notice=notice,
        problem=problem,
    )


def _inside(wanted: str) -> str:
    """Return ``wanted`` when it is a page of this console, else its first page."""
    if not wanted.isprintable() or len(wanted) > _LONGEST or "\\" in wanted:
        return CONSOLE
    parts = urlsplit(wanted)
    fits = parts.path.startswith(f"{CONSOLE}/migrations") and not parts.scheme and not parts.netloc
    if not fits or ".." in parts.path or "//" in parts.path:
        return CONSOLE
    return quote(parts.path, safe="/%") + (
        f"?{quote(parts.query, safe='=&%+:,;@!$*().~-_')}" if parts.query else ""
    )


def _sessions(request: Request) -> OperatorSessions:
    return cast("OperatorSessions", state_of(request.app).services[OPERATOR_SESSIONS])


def _secure(request: Request) -> bool:
    return state_of(request.app).settings.url.startswith("https://")


def _go(destination: str) -> Response:
    return RedirectResponse(destination, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
