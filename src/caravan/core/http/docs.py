"""The API's documentation to read and try, from our own files: nothing is fetched from elsewhere."""

from functools import cache
from pathlib import Path
from typing import Final

from fastapi import Response

from caravan.core.http.dependencies import public
from caravan.core.http.router import api_router
from caravan.core.principal import NotFoundError

__all__ = ["router"]

_FOLDER: Final = Path(__file__).parent / "docs_files"
_TYPES: Final = {
    "index.html": "text/html; charset=utf-8",
    "start.js": "text/javascript",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}

router = api_router("docs", prefix="/docs")


@router.get("", operation_id="docs", dependencies=[public()], include_in_schema=False)
async def page() -> Response:
    """Show every route, its fields and its errors (Swagger UI)."""
    return _file("index.html", "no-cache")


@router.get("/{name}", operation_id="docsFile", dependencies=[public()], include_in_schema=False)
async def file(name: str) -> Response:
    """Serve what the page consists of."""
    if name not in _TYPES:
        raise NotFoundError("There is no such file.")
    return _file(name, "public, max-age=86400")


def _file(name: str, cache_control: str) -> Response:
    return Response(_content(name), media_type=_TYPES[name], headers={"Cache-Control": cache_control})


@cache
def _content(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
