"""Errors below /console are pages too; who is not logged in is sent to do so, and comes back."""

from http import HTTPStatus
from typing import Final

from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from caravan.admin.cookies import REFRESH_COOKIE, RENEWED_COOKIE
from caravan.admin.destinations import LOGIN, RENEW, asked_for, with_next
from caravan.core.errors import CaravanError
from caravan.core.http.pages import render_page

__all__ = ["console_error"]

_FIXES: Final = {
    "path_not_found": "Check the address, or go on from the first page.",
    "not_found": "Check the address; what belongs to another organisation is not found either.",
    "request_invalid": "Correct the address of the page, or go on from the first page.",
    "password_change_required": "Log out and in again: you are then asked for a password of your own.",
    "method_not_allowed": "Open the page from the navigation.",
}
"""What to do on a page, where the general advice speaks of the API."""


def console_error(request: Request, error: CaravanError) -> Response:
    """Answer one error of a page."""
    if "hx-request" in request.headers and request.method == "GET":
        # The script loads the address as a whole page, which then shows the error or asks for a log-in.
        return Response(status_code=error.status, headers={"HX-Redirect": asked_for(request)})
    if error.status == HTTPStatus.UNAUTHORIZED:
        return _to_log_in(request)
    fix = _FIXES.get(error.code, error.fix)
    response = render_page(
        request,
        "console/error.html",
        status=error.status,
        error=error,
        fix=fix,
        needs=error.details.get("needs", ()),
    )
    response.headers.update(error.headers())
    return response


def _to_log_in(request: Request) -> Response:
    renewable = REFRESH_COOKIE in request.cookies and RENEWED_COOKIE not in request.cookies
    destination = with_next(RENEW if renewable else LOGIN, asked_for(request))
    return RedirectResponse(destination, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
