"""The application: routers of every feature under one edge, with errors, health and OpenAPI in one way."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from caravan import __version__
from caravan.core.http import docs, errors, health, openapi
from caravan.core.http.edge import Edge, EdgeParts
from caravan.core.http.errors import ErrorShape
from caravan.core.http.route_index import install_routes
from caravan.core.http.state import AppState

__all__ = ["Lifespan", "build_application", "with_edge"]

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_EXPOSED = [
    "X-Request-ID",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "ETag",
    "Link",
    "Idempotency-Replayed",
]


def build_application(
    state: AppState,
    routers: Sequence[APIRouter],
    *,
    error_shapes: Mapping[str, ErrorShape],
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """Make the application from these routers; ``error_shapes`` maps path prefixes of bridges to their errors."""
    settings = state.settings
    app = FastAPI(
        title="Caravan",
        version=__version__,
        summary="Commerce platform and bridges to the systems it replaces.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=True,
    )
    app.state.caravan = state
    app.state.error_shapes = dict(error_shapes)
    errors.install(app)
    install_routes(app, (health.router, docs.router, *routers))
    openapi.install(app)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
            allow_credentials=True,
            expose_headers=_EXPOSED,
            max_age=600,
        )
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=settings.max_body_bytes)
    return app


def with_edge(app: FastAPI, parts: EdgeParts) -> ASGIApp:
    """Put the edge around the application: what a server runs."""
    return Edge(app, parts)
