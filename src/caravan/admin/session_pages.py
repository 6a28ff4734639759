"""The session of a browser: its first page, its renewal, its end."""

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from caravan.admin.cookies import REFRESH_COOKIE
from caravan.admin.destinations import LOGIN, safe_destination, with_next
from caravan.admin.parts import parts_of
from caravan.core.http import caller_of, guard, public
from caravan.core.http.forms import own_form
from caravan.core.http.pages import CONSOLE, page_router, render_page
from caravan.core.principal import ForbiddenError, Principal, UnauthenticatedError

__all__ = ["router"]

router = page_router()


@router.get("")
async def first_page(request: Request, caller: Principal = guard()) -> Response:
    """Go to the first page of the navigation that this caller may open."""
    pages = parts_of(request).pages.visible_to(caller)
    if not pages:
        raise ForbiddenError("None of the console's pages is open to you.", needs=["view_usage"])
    return _go(pages[0].path)


@router.get("/renew", dependencies=[public()])
async def renew(request: Request, next: str = "") -> Response:  # noqa: A002 - the name in the address
    """Trade the refresh token for the next pair, then go where the visitor was going."""
    parts, destination = parts_of(request), safe_destination(next)
    refresh = request.cookies.get(REFRESH_COOKIE)
    if not refresh:
        return _go(with_next(LOGIN, destination))
    try:
        tokens = await parts.renewals.tokens_after(refresh)
    except UnauthenticatedError:
        response = _go(with_next(LOGIN, destination))
        parts.cookies.end(response)
        return response
    response = _go(destination)
    parts.cookies.keep(response, tokens)
    parts.cookies.mark_renewed(response)
    return response


@router.get("/logout")
async def ask_before_leaving(
    request: Request, caller: Principal = guard(given_password_will_do=True)
) -> Response:
    """Ask once more: for an address that was typed, or a form whose session had to be renewed first."""
    return render_page(request, "console/logout.html", name=caller.name)


@router.post("/logout", dependencies=[guard(given_password_will_do=True), own_form()])
async def leave(request: Request) -> Response:
    """End the session, here and in its list."""
    parts = parts_of(request)
    await parts.accounts.log_out(caller_of(request), request.cookies.get(REFRESH_COOKIE))
    response = _go(f"{LOGIN}?left=true")
    parts.cookies.end(response)
    return response


def _go(destination: str) -> Response:
    return RedirectResponse(destination or CONSOLE, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
