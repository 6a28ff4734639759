"""JSON as the legacy wrote it: keys sorted, compact, ASCII with escapes, one line with its end."""

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel
from starlette.responses import Response

from caravan.legacy.deduper.report_ids import ReportId

__all__ = ["JSON", "as_legacy_json", "encoded", "json_answer"]

JSON: Final = "application/json"


def as_legacy_json(value: object) -> bytes:
    """Return any JSON value; NaN and infinities stay words, as Python writes them (RFC 8259 knows none)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def encoded(answer: BaseModel | Mapping[str, Any]) -> bytes:
    """Return an answer; what it does not have is left out, never null."""
    fields = answer.model_dump(exclude_none=True) if isinstance(answer, BaseModel) else answer
    return b"{" + b",".join(_member(name, fields[name]) for name in sorted(fields)) + b"}\n"


def json_answer(answer: BaseModel | Mapping[str, Any], status: int = 200) -> Response:
    """Answer with it, without a charset in the type."""
    return Response(encoded(answer), status, media_type=JSON)


def _member(name: str, value: object) -> bytes:
    # Digits go as they are: a number of JSON has no largest one, an integer of Python has a longest text.
    said = value if isinstance(value, ReportId) else json.dumps(value, sort_keys=True, separators=(",", ":"))
    return f'"{name}":{said}'.encode()
