"""The original bytes of a quarantined record, opened and written for people."""

from typing import Final

from bson import json_util

from caravan.core.secrets_box import Box
from caravan.migration.load.readers import RecordFormat, RecordUndecodable, decode

__all__ = ["readable"]

_SHOWN: Final = 256 * 1024
_HEX_BYTES: Final = 4096
_OPTIONS: Final = json_util.RELAXED_JSON_OPTIONS


def readable(box: Box, sealed: bytes) -> str:
    """Return Extended JSON where the bytes can be read, else their text or hexadecimal digits, cut where they are long.

    Raises:
        BoxError: the key is not the one they were sealed with.
    """
    raw = box.open(sealed)
    text = _document(raw) or _as_they_are(raw)
    return (
        text
        if len(text) <= _SHOWN
        else f"{text[:_SHOWN]}\n… cut after {_SHOWN:,} of {len(text):,} characters"
    )


def _document(raw: bytes) -> str | None:
    for_what: RecordFormat = "ejson" if raw.lstrip()[:1] == b"{" else "bson"
    try:
        document = decode(for_what, raw)
        return json_util.dumps(document, json_options=_OPTIONS, indent=2, ensure_ascii=False, default=str)
    except (RecordUndecodable, TypeError, ValueError, OverflowError):
        return None


def _as_they_are(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        rows = (raw[start : start + 32] for start in range(0, min(len(raw), _HEX_BYTES), 32))
        return "\n".join(row.hex(" ") for row in rows)
