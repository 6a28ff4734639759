"""Errors of HTTP itself, and how any error becomes an answer in the caller's language of errors."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from caravan.core.database.dry_run import current_dry_run
from caravan.core.errors import CaravanError
from caravan.core.http.outages import as_outage
from caravan.core.http.route_index import methods_at

__all__ = [
    "BodyTooLargeError",
    "ErrorShape",
    "FormTooOldError",
    "HostNotAllowedError",
    "InternalError",
    "MethodNotAllowedError",
    "PathNotFoundError",
    "RequestInvalidError",
    "install",
    "render",
]

ErrorShape: TypeAlias = Callable[[Request, CaravanError], Response]
"""How one bridge tells errors; registered by path prefix."""

log = structlog.get_logger(__name__)


class RequestInvalidError(CaravanError):
    code = "request_invalid"
    status = 422
    title = "The request is not what this route takes"
    fix = "Correct the fields listed under details; /docs describes each of them."


class PathNotFoundError(CaravanError):
    code = "path_not_found"
    status = 404
    title = "No such path"
    fix = "Look the path up in /docs."


class MethodNotAllowedError(CaravanError):
    code = "method_not_allowed"
    status = 405
    title = "The path does not take this method"
    fix = "Use one of the methods in the Allow header."

    def headers(self) -> Mapping[str, str]:
        allow = self.details.get("allow")
        return {"Allow": str(allow)} if allow else {}


class BodyTooLargeError(CaravanError):
    code = "body_too_large"
    status = 413
    title = "The body is too large"
    fix = "Send less in one request; the limit is in the message."


class FormTooOldError(CaravanError):
    code = "form_too_old"
    status = 403
    title = "The form is no longer valid"
    fix = "Open the page again and send the form from there; allow cookies for this address."


class HostNotAllowedError(CaravanError):
    code = "host_not_allowed"
    status = 400
    title = "This service does not answer to that host name"
    fix = "Use the service's own address; operators list further names in CARAVAN_TRUSTED_HOSTS."


class MalformedRequestError(CaravanError):
    code = "request_malformed"
    status = 400
    title = "The request cannot be read"
    fix = "Check the body's encoding and its Content-Type."


class InternalError(CaravanError):
    code = "internal_error"
    status = 500
    title = "Something went wrong on our side"
    fix = "Try again; if it stays, tell us the request id in the X-Request-ID header."


def render(request: Request, error: CaravanError) -> Response:
    """Answer with the error in the shape of the path's owner, as a problem document, or in the envelope."""
    path: str = request.scope["path"]
    shapes: Mapping[str, ErrorShape] = request.app.state.error_shapes
    for prefix, shape in shapes.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            return shape(request, error)
    if "application/problem+json" in request.headers.get("accept", ""):
        return _json(error, _problem(error, path), "application/problem+json")
    body = {
        "success": False,
        "error_code": error.code,
        "message": error.message,
        "details": dict(error.details),
    }
    return _json(error, body, "application/json")


def _problem(error: CaravanError, path: str) -> dict[str, Any]:
    """Build the document of RFC 9457; ``errors`` carries JSON pointers for malformed input."""
    return {
        "type": f"urn:caravan:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.message,
        "instance": path,
        **dict(error.details),
    }


def _json(error: CaravanError, body: Mapping[str, Any], media_type: str) -> Response:
    content = orjson.dumps(body, default=str)
    return Response(content, error.status, dict(error.headers()), media_type)


def install(app: FastAPI) -> None:
    """Make every exception an answer; nothing leaves as a stack trace."""
    app.add_exception_handler(CaravanError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unknown)


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, CaravanError)  # noqa: S101 - what Starlette registered this for
    return render(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what Starlette registered this for
    errors = [
        {"pointer": pointer(item["loc"]), "in": str(item["loc"][0]), "message": item["msg"]}
        for item in error.errors()
    ]
    places = ", ".join(f"{entry['pointer']}: {entry['message']}" for entry in errors[:3])
    return render(request, RequestInvalidError(f"Not accepted: {places}.", errors=errors))


def pointer(location: Sequence[int | str]) -> str:
    """Return the JSON pointer (RFC 6901) of a place in the input, without its first part (body, query, path …)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location[1:]) or "/"


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what Starlette registered this for
    path = request.scope["path"]
    known: CaravanError
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            known = PathNotFoundError(f"There is nothing at {path}.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allow = ", ".join(methods_at(request.app, request.scope))
            known = MethodNotAllowedError(f"{path} does not take {request.method}.", allow=allow)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            known = BodyTooLargeError(str(error.detail))
        case _:
            known = MalformedRequestError(str(error.detail))
    return render(request, known)


async def _unknown(request: Request, error: Exception) -> Response:
    outage = as_outage(error)
    if outage is not None:
        log.warning("request.database_away", path=request.scope["path"], error=str(error))
        return render(request, outage)
    run = current_dry_run()
    expected = run is not None and run.not_run is not None
    if not expected and not isinstance(error, ClientDisconnect):
        log.error("request.failed", path=request.scope["path"], exc_info=error)
    return render(request, InternalError())
