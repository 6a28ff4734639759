"""Opaque keyset cursors: where the last page ended, and of which list."""

import base64
import binascii
from typing import Any, Final

import orjson

from caravan.core.errors import CaravanError

__all__ = ["DEFAULT_LIMIT", "MAX_LIMIT", "CursorError", "decode_cursor", "encode_cursor"]

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 200


class CursorError(CaravanError):
    code = "cursor_invalid"
    status = 400
    title = "The cursor cannot be read"
    fix = "Send the `next` value of the previous answer unchanged, with the same sort; or leave it out to start again."


def encode_cursor(order: str, *position: str) -> str:
    """Return the cursor behind a row whose sort values are ``position``; ``order`` names the list and its sort."""
    return base64.urlsafe_b64encode(orjson.dumps([order, *position])).rstrip(b"=").decode()


def decode_cursor(cursor: str, order: str, parts: int) -> list[str]:
    """Return the sort values in a cursor of this list; raises ``CursorError`` for any other text."""
    try:
        raw = base64.b64decode(
            cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        values: Any = orjson.loads(raw)
    except (UnicodeEncodeError, binascii.Error, orjson.JSONDecodeError, ValueError):
        raise CursorError("The cursor is damaged.") from None
    if not (
        isinstance(values, list)
        and len(values) == parts + 1
        and all(isinstance(part, str) for part in values)
    ):
        raise CursorError("The cursor is damaged.")
    if values[0] != order:
        raise CursorError(f"The cursor belongs to the order {values[0]!r}, not {order!r}.")
    return values[1:]
