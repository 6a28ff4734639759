"""Log in: name and password, then a one-time code or a new password where one is asked for."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Form, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from caravan.admin.accounts import Tokens
from caravan.admin.cookies import PENDING_COOKIE
from caravan.admin.destinations import LOGIN, PASSWORD, safe_destination, with_next
from caravan.admin.form_fields import Name, Secret
from caravan.admin.parts import parts_of, visitor_of
from caravan.admin.pending import Pending
from caravan.core.errors import CaravanError
from caravan.core.http import public
from caravan.core.http.forms import own_form
from caravan.core.http.pages import page_router, render_page
from caravan.core.principal import Principal

__all__ = ["router"]

_CODE_NEEDED: Final = "totp_required"
_CODE_PAGE: Final = f"{LOGIN}/code"
_NOTICES: Final = {
    "left": "You are logged out.",
    "reset": "Your password is changed. Log in with it.",
    "joined": "Welcome. Log in with your password.",
}

router = page_router()

Going = Annotated[str, Form(max_length=2048)]


@router.get("/login", dependencies=[public()])
async def ask_for_log_in(request: Request, next: str = "", left: bool = False, after: str = "") -> Response:  # noqa: A002 - the name in the address
    """Show the form; who is logged in already goes on."""
    destination = safe_destination(next)
    caller = request.scope["state"]["caller"]
    if isinstance(caller, Principal) and caller.id is not None:
        return _go(destination)
    return _form(request, destination, notice=_NOTICES.get("left" if left else after, ""))


@router.post("/login", dependencies=[public(), own_form()])
async def log_in(request: Request, name: Name = "", password: Secret = "", next: Going = "") -> Response:  # noqa: A002 - the name in the form; an empty field, no secret
    """Check name and password."""
    destination = safe_destination(next)
    if not name.strip() or not password:
        message = "Fill in both your name and your password."
        return _form(request, destination, name=name, problem=message, status=HTTPStatus.BAD_REQUEST)
    pending = Pending(name.strip(), password, destination)
    try:
        tokens = await parts_of(request).accounts.log_in(pending.name, password, None, visitor_of(request))
    except CaravanError as error:
        if error.code == _CODE_NEEDED:
            return _keep(request, pending, _go(_CODE_PAGE))
        return _form(
            request, destination, name=name, problem=f"{error.title}. {error.fix}", status=error.status
        )
    return _welcome(request, pending, tokens)


@router.get("/login/code", dependencies=[public()])
async def ask_for_code(request: Request) -> Response:
    """Show the form of the second step."""
    return render_page(request, "console/code.html", problem="") if _pending(request) else _go(LOGIN)


@router.post("/login/code", dependencies=[public(), own_form()])
async def check_code(request: Request, code: Secret = "") -> Response:
    """Check the one-time code with the name and password of the first step."""
    pending = _pending(request)
    if pending is None:
        return _form(request, "", problem="That took too long; begin again.", status=HTTPStatus.BAD_REQUEST)
    accounts, visitor = parts_of(request).accounts, visitor_of(request)
    try:
        tokens = await accounts.log_in(pending.name, pending.password, code.strip(), visitor)
    except CaravanError as error:
        problem = f"{error.title}. {error.fix}"
        return render_page(request, "console/code.html", status=error.status, problem=problem)
    return _welcome(request, pending, tokens)


@router.get("/password", dependencies=[public()])
async def ask_for_password(request: Request) -> Response:
    """Show the form for a new password, which some first log-ins need."""
    pending = _pending(request)
    if pending is None or pending.tokens is None:
        return _go(LOGIN)
    return render_page(request, "console/password.html", problem="", name=pending.name)


@router.post("/password", dependencies=[public(), own_form()])
async def change_password(request: Request, new: Secret = "", again: Secret = "") -> Response:
    """Set the new password and begin the session that waited for it."""
    pending = _pending(request)
    if pending is None or pending.tokens is None:
        return _form(request, "", problem="That took too long; begin again.", status=HTTPStatus.BAD_REQUEST)
    problem, status = "", HTTPStatus.BAD_REQUEST.value
    if new != again:
        problem = "The two passwords differ."
    elif new == pending.password:
        problem = "Choose another password than the one you were given."
    else:
        try:
            tokens = await parts_of(request).accounts.change_password(pending.tokens, pending.password, new)
        except CaravanError as error:
            problem, status = f"{error.title}. {error.fix}", error.status
        else:
            return _begin(request, pending.destination, tokens)
    return render_page(request, "console/password.html", status=status, problem=problem, name=pending.name)


def _welcome(request: Request, pending: Pending, tokens: Tokens) -> Response:
    if tokens.must_change_password:
        return _keep(request, replace(pending, tokens=tokens), _go(PASSWORD))
    return _begin(request, pending.destination, tokens)


def _begin(request: Request, destination: str, tokens: Tokens) -> Response:
    response = _go(destination)
    cookies = parts_of(request).cookies
    cookies.keep(response, tokens)
    cookies.drop_pending(response)
    return response


def _keep(request: Request, pending: Pending, response: Response) -> Response:
    parts = parts_of(request)
    parts.cookies.set_pending(response, parts.seal.seal(pending))
    return response


def _pending(request: Request) -> Pending | None:
    return parts_of(request).seal.open(request.cookies.get(PENDING_COOKIE))


def _go(destination: str) -> Response:
    return RedirectResponse(destination, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})


def _form(
    request: Request,
    destination: str,
    *,
    name: str = "",
    problem: str = "",
    notice: str = "",
    status: int = 200,
) -> Response:
    action = with_next(LOGIN, destination) if destination else LOGIN
    return render_page(
        request,
        "console/login.html",
        status=status,
        destination=destination,
        action=action,
        name=name,
        problem=problem,
        notice=notice,
    )
