"""How the legacy service told errors: ``{"detail": …}``, and ``{"error": "rate_limited"}`` for a limit."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request
from starlette.responses import JSONResponse, Response

from caravan.core.errors import CaravanError
from caravan.core.http.errors import InternalError, MethodNotAllowedError, PathNotFoundError
from caravan.core.limits import RateLimitedError
from caravan.core.principal import ForbiddenError, OrgRequiredError, UnauthenticatedError

__all__ = ["error_shape"]

_WORDS: Final[Mapping[type[CaravanError], str]] = {
    UnauthenticatedError: "unauthorized",
    OrgRequiredError: "org required",
    ForbiddenError: "insufficient permissions",
    PathNotFoundError: "Not Found",
    MethodNotAllowedError: "Method Not Allowed",
    InternalError: "Internal Server Error",
}


def error_shape(_request: Request, error: CaravanError) -> Response:
    """Answer in the words that the portal's pages know; what RPS never said keeps our own."""
    headers = dict(error.headers())
    if isinstance(error, RateLimitedError):
        return JSONResponse({"error": "rate_limited"}, error.status, headers)
    said = next((words for kind, words in _WORDS.items() if isinstance(error, kind)), error.message)
    return JSONResponse({"detail": said}, error.status, headers)
