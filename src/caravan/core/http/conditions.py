"""Conditional requests for one resource (RFC 9110 section 13, RFC 6585 section 3): nobody writes over what they did not see."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from caravan.core.errors import CaravanError
from caravan.core.http.envelope import Answer, Envelope, ErrorAnswer, envelope

__all__ = [
    "CREATES",
    "ENDS",
    "READS",
    "WRITES",
    "Conditional",
    "Conditions",
    "PreconditionFailedError",
    "PreconditionRequiredError",
    "entity_tag",
    "matches",
]

T = TypeVar("T", bound=Answer)
_ANY: Final = "*"


class PreconditionRequiredError(CaravanError):
    code = "precondition_required"
    status = 428
    title = "The change does not say which state it is meant for"
    fix = "GET the resource and send its ETag in If-Match; `If-Match: *` changes it in whatever state it is."


class PreconditionFailedError(CaravanError):
    code = "precondition_failed"
    status = 412
    title = "The resource has changed since it was read"
    fix = "GET the resource again, look at what has changed, and repeat the change with its new ETag."


def entity_tag(resource: BaseModel) -> str:
    """Return the strong entity tag of a resource, with its quotes: a hash of all that a reader is shown of it."""
    shown = resource.model_dump_json().encode()
    return f'"{hashlib.sha256(shown).hexdigest()[:32]}"'


def matches(condition: str, tag: str, *, weakly: bool = False) -> bool:
    """Tell whether a list of entity tags, or ``*``, names ``tag``; a weak one of them only where that is enough."""
    if condition.strip() == _ANY:
        return True
    named = [part.strip() for part in condition.split(",")]
    return tag in ([part.removeprefix("W/") for part in named] if weakly else named)


class Conditions:
    """The conditions of the request in hand, and the ETag of its answer."""

    def __init__(self, request: Request, response: Response) -> None:
        self._request = request
        self._response = response

    def expect(self, shown_as: type[Answer]) -> Callable[[object], None]:
        """Return what the use case asks before it changes a row that it has locked.

        The row is compared as ``shown_as`` shows it. So a row that is not found, or not the caller's, is told first.

        Raises (when asked):
            PreconditionRequiredError: the request has no If-Match.
            PreconditionFailedError: the row is no longer what If-Match names.
        """
        condition = self._request.headers.get("if-match")

        def check(row: object) -> None:
            if condition is None:
                raise PreconditionRequiredError("This change needs an If-Match header.")
            if not matches(condition, entity_tag(shown_as.model_validate(row))):
                raise PreconditionFailedError("Somebody has changed this since you read it.")

        return check

    def answer(self, resource: T) -> Envelope[T]:
        """Answer with the resource and its ETag; a read of what the caller has already is 304 without a body."""
        tag = entity_tag(resource)
        self._response.headers["ETag"] = tag
        if self._request.method == "GET":
            self._response.headers["Cache-Control"] = "private, no-cache"
            known = self._request.headers.get("if-none-match")
            if known is not None and matches(known, tag, weakly=True):
                self._response.status_code = 304
        return envelope(resource)


Conditional = Annotated[Conditions, Depends(Conditions)]

_TAGGED: Final[dict[str, Any]] = {
    "headers": {
        "ETag": {"description": "The state of the resource, for If-Match.", "schema": {"type": "string"}}
    }
}


def _refused(error: type[CaravanError]) -> dict[str, Any]:
    return {"model": ErrorAnswer, "description": f"`{error.code}`: {error.title}"}


def _header(name: str, text: str, *, required: bool) -> dict[str, Any]:
    schema = {"type": "string"}
    parameter = {"name": name, "in": "header", "required": required, "description": text, "schema": schema}
    return {"parameters": [parameter]}


_REFUSALS: Final = {412: _refused(PreconditionFailedError), 428: _refused(PreconditionRequiredError)}
_IF_MATCH: Final = _header(
    "If-Match", "The ETag of the state that the change is meant for, or `*` for any.", required=True
)

READS: Final[dict[str, Any]] = {
    "responses": {200: _TAGGED, 304: {"description": "The caller has this state already."}},
    "openapi_extra": _header("If-None-Match", "ETags of the states that you have.", required=False),
}
"""What a route that reads one resource tells OpenAPI; likewise of those that create, write and end one."""
CREATES: Final[dict[str, Any]] = {"responses": {201: _TAGGED}}
WRITES: Final[dict[str, Any]] = {"responses": {200: _TAGGED, **_REFUSALS}, "openapi_extra": _IF_MATCH}
ENDS: Final[dict[str, Any]] = {"responses": _REFUSALS, "openapi_extra": _IF_MATCH}
