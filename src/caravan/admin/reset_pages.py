"""A forgotten password: ask for a link, open it, choose a new one."""

from http import HTTPStatus
from typing import Final

from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from caravan.admin.destinations import FORGOT, LOGIN
from caravan.admin.form_fields import Name, Secret
from caravan.admin.parts import parts_of
from caravan.core.errors import CaravanError
from caravan.core.http import public
from caravan.core.http.forms import own_form
from caravan.core.http.pages import page_router, render_page

__all__ = ["router"]

_ENDED: Final = "reset_token_invalid"

router = page_router()


@router.get("/forgot", dependencies=[public()])
async def ask_whose(request: Request, sent: bool = False) -> Response:
    """Show the form, or after it the one answer that everybody gets."""
    return render_page(request, "console/forgot.html", sent=sent, problem="")


@router.post("/forgot", dependencies=[public(), own_form()])
async def ask_for_reset(request: Request, name: Name = "") -> Response:
    """Have a link sent; the answer is the same whether there is such an account or not."""
    if not name.strip():
        problem = "Fill in your e-mail address or user name."
        status = HTTPStatus.BAD_REQUEST
        return render_page(request, "console/forgot.html", status=status, sent=False, problem=problem)
    await parts_of(request).accounts.ask_for_reset(name.strip())
    return _go(f"{FORGOT}?sent=true")


@router.get("/password-reset", dependencies=[public()])
async def open_link(request: Request, token: str = "") -> Response:
    """Show the form for a new password; opening the link does not use it up, as mail scanners open it too."""
    try:
        await parts_of(request).accounts.check_reset(token)
    except CaravanError as error:
        return _refused(request, token, error)
    return _form(request, token)


@router.post("/password-reset", dependencies=[public(), own_form()])
async def set_password(
    request: Request, token: Secret = "", new: Secret = "", again: Secret = ""
) -> Response:
    """Set the new password; whoever is logged in here has to log in again."""
    if new != again:
        return _form(request, token, "The two passwords differ.", HTTPStatus.BAD_REQUEST)
    parts = parts_of(request)
    try:
        await parts.accounts.reset_password(token, new)
    except CaravanError as error:
        return _refused(request, token, error)
    response = _go(f"{LOGIN}?after=reset")
    parts.cookies.end(response)
    return response


def _refused(request: Request, token: str, error: CaravanError) -> Response:
    if error.code == _ENDED:
        return render_page(request, "console/reset_ended.html", status=error.status, error=error)
    return _form(request, token, f"{error.title}. {error.fix}", error.status)


def _form(request: Request, token: str, problem: str = "", status: int = HTTPStatus.OK) -> Response:
    return render_page(request, "console/reset.html", status=status, token=token, problem=problem)


def _go(destination: str) -> Response:
    return RedirectResponse(destination, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
