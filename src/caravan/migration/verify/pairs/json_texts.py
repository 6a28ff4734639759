"""JSON that a store keeps as text."""

from typing import Any

from caravan.migration.verify.jsonb_text import jsonb_text
from caravan.migration.verify.pairs.cells import odd

__all__ = ["json_of_text"]


def json_of_text(value: Any) -> str:  # noqa: ANN401 - whatever a driver gives for text
    """Return the canonical text; what is no JSON is an odd value."""
    raw = value if isinstance(value, bytes) else str(value).encode()
    try:
        return jsonb_text(raw)
    except (ValueError, RecursionError):
        return odd(raw)
