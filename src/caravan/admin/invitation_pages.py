"""An invitation: who is new chooses a name and a password, who has an account only joins."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from caravan.admin.accounts import Invitation, Joining
from caravan.admin.destinations import LOGIN
from caravan.admin.form_fields import Line, Secret
from caravan.admin.parts import parts_of
from caravan.core.errors import CaravanError
from caravan.core.http import public
from caravan.core.http.forms import own_form
from caravan.core.http.pages import page_router, render_page
from caravan.platform.identity import USERNAME

__all__ = ["router"]

_USERNAME: Final = re.compile(USERNAME)
_KNOWN: Final = {"member_exists": "You are a member already. Log in with your password."}

router = page_router()


@dataclass(frozen=True, slots=True)
class _Filled:
    """What the form shows again; never a password."""

    token: str
    username: str = ""
    display_name: str = ""


@router.get("/invitation", dependencies=[public()])
async def open_link(request: Request, token: str = "") -> Response:
    """Show who invites whom; opening the link does not use it up, as mail scanners open it too."""
    try:
        invitation = await parts_of(request).accounts.invitation(token)
    except CaravanError as error:
        return _ended(request, error)
    return _form(request, invitation, _Filled(token))


@router.post("/invitation", dependencies=[public(), own_form()])
async def accept(
    request: Request,
    token: Secret = "",
    username: Line = "",
    display_name: Line = "",
    new: Secret = "",
    again: Secret = "",
) -> Response:
    """Join; then one logs in, as somebody else may be logged in here."""
    parts = parts_of(request)
    filled = _Filled(token, username.strip(), display_name.strip())
    try:
        invitation = await parts.accounts.invitation(token)
    except CaravanError as error:
        return _ended(request, error)
    if problem := "" if invitation.has_account else _wrong_with(filled, new, again):
        return _form(request, invitation, filled, problem, HTTPStatus.BAD_REQUEST)
    try:
        await parts.accounts.join(Joining(token, new, filled.display_name or None, filled.username or None))
    except CaravanError as error:
        problem = _KNOWN.get(error.code, f"{error.title}. {error.fix}")
        return _form(request, invitation, filled, problem, error.status)
    response = RedirectResponse(f"{LOGIN}?after=joined", HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
    parts.cookies.end(response)
    return response


def _wrong_with(filled: _Filled, new: str, again: str) -> str:
    if new != again:
        return "The two passwords differ."
    if filled.username and not _USERNAME.fullmatch(filled.username):
        return "A user name has 3 to 64 letters, digits, dots, dashes and underscores."
    return ""


def _ended(request: Request, error: CaravanError) -> Response:
    return render_page(request, "console/invitation_ended.html", status=error.status, error=error)


def _form(
    request: Request,
    invitation: Invitation,
    filled: _Filled,
    problem: str = "",
    status: int = HTTPStatus.OK,
) -> Response:
    return render_page(
        request,
        "console/invitation.html",
        status=status,
        invitation=invitation,
        filled=filled,
        problem=problem,
    )
