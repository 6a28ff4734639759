"""Routes that a running side tells of itself: its OpenAPI or Swagger document, at the places where frameworks serve it."""

from typing import Any, Final

import httpx2

from caravan.migration.proposal.routes import ProposedRoute

__all__ = ["routes_of_side"]

_PLACES: Final = ("/openapi.json", "/swagger.json", "/v3/api-docs", "/api-docs", "/swagger/v1/swagger.json")
_METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_PATIENCE: Final = 5.0
_LARGEST: Final = 16 * 1024 * 1024
_OK: Final = 200


def routes_of_side(base_url: str) -> list[ProposedRoute]:
    """Return the routes of a side's document, none where it has none or does not answer.

    Nothing but the document was seen, so every effect is proposed as ``write``.
    """
    with httpx2.Client(timeout=_PATIENCE, follow_redirects=True) as client:
        for place in _PLACES:
            try:
                answer = client.get(base_url.rstrip("/") + place)
            except httpx2.HTTPError:
                return []
            routes = _routes(answer) if answer.status_code == _OK else []
            if routes:
                return routes
    return []


def _routes(answer: httpx2.Response) -> list[ProposedRoute]:
    if len(answer.content) > _LARGEST:
        return []
    try:
        document: Any = answer.json()
    except ValueError:
        return []
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        return []
    base = document.get("basePath")
    prefix = base.rstrip("/") if isinstance(base, str) else ""
    return [
        ProposedRoute(prefix + path, methods, "write", "told by its OpenAPI document, not seen in traffic")
        for path, item in sorted(paths.items())
        if isinstance(path, str) and path.startswith("/") and isinstance(item, dict)
        if (methods := tuple(sorted(name.upper() for name in item if name in _METHODS)))
    ]
