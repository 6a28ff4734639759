"""Values as PostgreSQL's jsonb takes them: it knows no NUL and no half of a surrogate pair, and what sides answer may hold both."""

import json
import re
from typing import Final

from psycopg.types.json import Jsonb

__all__ = ["stored"]

_UNKNOWN: Final = re.compile(r"(\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|\\u0000|\\ud[89a-f][0-9a-f]{2}")


def stored(value: object) -> Jsonb:
    """Return the value for a jsonb column; what cannot be stored becomes U+FFFD."""
    return Jsonb(value, dumps=_text)


def _text(value: object) -> str:
    return _UNKNOWN.sub(lambda found: found[1] or "\\ufffd", json.dumps(value))
