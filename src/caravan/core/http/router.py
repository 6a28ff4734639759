"""Routers of ``/api/v1``: error codes in OpenAPI, idempotency on unsafe methods, and a registry for the tests.

FastAPI keeps included routers as a tree, so whoever wants to know the routes reads the registry, never ``app.routes``.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from caravan.core.errors import CaravanError
from caravan.core.http.dependencies import Guard
from caravan.core.http.envelope import ErrorAnswer
from caravan.core.idempotency.claims import Replayed, claim_of, store
from caravan.core.principal import Principal

__all__ = ["ApiRoute", "RouteRule", "answers_with_secret", "api_router", "creates", "route_rules"]

_UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_MARK: Final = "caravan_answers_with_secret"
_CREATES: Final = "caravan_creates"
F = TypeVar("F", bound=Callable[..., Any])


def answers_with_secret(endpoint: F) -> F:
    """Mark an endpoint whose answer carries a secret: it is never kept, a retry is told 409 ``already_created``."""
    setattr(endpoint, _MARK, True)
    return endpoint


def creates(endpoint: F) -> F:
    """Mark an endpoint that creates something and answers otherwise than 201: it requires an Idempotency-Key too."""
    setattr(endpoint, _CREATES, True)
    return endpoint


class ApiRoute(APIRoute):
    """A route whose unsafe methods take an Idempotency-Key; one that creates requires it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if _UNSAFE.isdisjoint(self.methods or ()):
            return handle
        required = self.status_code == HTTPStatus.CREATED or getattr(self.endpoint, _CREATES, False)
        secret = getattr(self.endpoint, _MARK, False)

        async def handle_once(request: Request) -> Response:
            caller = request.scope["state"]["caller"]
            claim, org = None, None
            if isinstance(caller, Principal) and caller.id is not None:
                org = caller.org
                claim = await claim_of(request, caller.label, required=required)
            request.scope["state"]["idempotency"] = claim
            try:
                response = await handle(request)
            except Replayed as replayed:
                return replayed.response
            if claim is not None and response.status_code < HTTPStatus.BAD_REQUEST:
                await store(claim, response, org, secret=secret)
            return response

        return handle_once


@dataclass(frozen=True, slots=True)
class RouteRule:
    """One route as the registry knows it."""

    method: str
    path: str
    operation_id: str
    scopes: tuple[str, ...]
    public: bool


def api_router(tag: str, *, prefix: str, errors: Sequence[type[CaravanError]] = ()) -> APIRouter:
    """Make a router of one feature; ``errors`` are those its routes raise beyond what every route may answer."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=ApiRoute, responses=_documented(errors))


def _documented(errors: Sequence[type[CaravanError]]) -> dict[int | str, dict[str, Any]]:
    by_status: dict[int | str, list[str]] = {}
    for error in errors:
        by_status.setdefault(error.status, []).append(f"`{error.code}`: {error.title}")
    return {
        status: {"model": ErrorAnswer, "description": "; ".join(sorted(lines))}
        for status, lines in sorted(by_status.items(), key=lambda item: int(item[0]))
    }


def route_rules(routers: Sequence[APIRouter]) -> Iterator[RouteRule]:
    """Yield every route of these routers with who may use it; raises ``TypeError`` for one that does not say."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield from _rules(route)


def _rules(route: APIRoute) -> Iterator[RouteRule]:
    guards = list(_guards(route.dependant))
    if len(guards) != 1:
        raise TypeError(f"{route.path} must state who may use it: exactly one guard() or public()")
    for method in sorted(route.methods or ()):
        yield RouteRule(method, route.path, route.operation_id or "", guards[0].scopes, guards[0].public)


def _guards(dependant: Dependant) -> Iterator[Guard]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Guard):
            yield dependency.call
        yield from _guards(dependency)
