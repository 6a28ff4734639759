"""``/test``: the JSON that came goes back."""

import json

from fastapi import Request
from starlette.responses import Response

from caravan.legacy.deduper.error_pages import error_page
from caravan.legacy.deduper.json_form import JSON, as_legacy_json

__all__ = ["echo"]


async def echo(request: Request) -> Response:
    """Give the JSON value back; what is empty, zero, false or null becomes ``{}``. 415 without JSON, 400 for bad JSON."""
    if not _is_json(request.headers.get("content-type", "")):
        return error_page(415)
    try:
        answer = as_legacy_json(json.loads(await request.body()) or {})
    except (ValueError, RecursionError):  # malformed, or nested deeper than Python goes
        return error_page(400)
    return Response(answer, media_type=JSON)


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == JSON or (kind.startswith("application/") and kind.endswith("+json"))
