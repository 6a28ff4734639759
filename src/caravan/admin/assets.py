"""The console's few files: served from memory, named with a hash of their content, kept by browsers for a year."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import Response

from caravan.core.http import public
from caravan.core.http.pages import CONSOLE, page_router
from caravan.core.principal import NotFoundError

__all__ = ["asset_url", "router"]

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

router = page_router()


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    digest: str


@cache
def _assets() -> dict[str, _Asset]:
    found = {}
    for path in _FOLDER.iterdir():
        if path.suffix in _TYPES:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:12]
            found[path.name] = _Asset(content, _TYPES[path.suffix], digest)
    return found


def asset_url(name: str) -> str:
    """Return the address of a file, which changes with its content."""
    return f"{CONSOLE}/static/{_assets()[name].digest}/{name}"


@router.get("/static/{digest}/{name}", dependencies=[public()])
async def asset(digest: str, name: str) -> Response:
    """Serve one file; an address with an older hash is not found."""
    found = _assets().get(name)
    if found is None or found.digest != digest:
        raise NotFoundError("There is no such file.")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(found.content, media_type=found.media_type, headers=headers)
