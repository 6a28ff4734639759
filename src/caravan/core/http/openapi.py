"""The OpenAPI document: bearer security on guarded routes, error answers on every route, stable operation ids."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from caravan.core.errors import registered

__all__ = ["document", "install"]

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_OPEN: Final = ("health", "auth")
_ERROR: Final = {"$ref": "#/components/schemas/ErrorAnswer"}
_DESCRIPTION: Final = (
    "Errors are `{success: false, error_code, message, details}`; with `Accept: application/problem+json` they are "
    "RFC 9457 problem documents. Lists are paged by opaque cursors. POSTs that create need an `Idempotency-Key`."
)


def install(app: FastAPI) -> None:
    """Make ``app.openapi()`` answer with our document, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # how FastAPI documents a custom schema


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    spec = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary=app.summary,
        description=_DESCRIPTION,
        routes=app.routes,
    )
    components = spec.setdefault("components", {})
    components["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token, or an API key `crv_…`.",
        }
    }
    components.setdefault("schemas", {})["ErrorAnswer"] = _error_schema()
    for path, operation in _operations(spec):
        if path.startswith("/api/"):
            _complete(operation)
    return spec


def _operations(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in spec.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                yield path, item[method]


def _complete(operation: dict[str, Any]) -> None:
    if not set(operation.get("tags", ())) & set(_OPEN):
        operation["security"] = [{"bearer": []}]
    responses = operation["responses"]
    responses.pop("422", None)
    responses.setdefault(
        "default",
        {
            "description": "Any error: the code says which.",
            "content": {
                "application/json": {"schema": _ERROR},
                "application/problem+json": {"schema": {"type": "object"}},
            },
        },
    )


def _error_schema() -> dict[str, Any]:
    codes = [error.code for error in registered()]
    return {
        "type": "object",
        "required": ["success", "error_code", "message", "details"],
        "properties": {
            "success": {"const": False},
            "error_code": {"type": "string", "enum": codes},
            "message": {"type": "string"},
            "details": {"type": "object"},
        },
    }
