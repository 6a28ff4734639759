"""Values kept word for word: canonical Extended JSON, made safe for a jsonb column."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from bson import json_util
from bson.binary import UuidRepresentation
from bson.json_util import JSONMode, JSONOptions

__all__ = ["ORIGINAL", "canonical_json", "relaxed_json"]

ORIGINAL: Final = "_original"
"""The key in ``extra`` under which the values stand that a codec could not take, by source path."""

_CANONICAL: Final = JSONOptions(json_mode=JSONMode.CANONICAL, uuid_representation=UuidRepresentation.STANDARD)
_RELAXED: Final = JSONOptions(json_mode=JSONMode.RELAXED, uuid_representation=UuidRepresentation.STANDARD)
_PLAIN: Final = frozenset({str, bool, type(None)})


def canonical_json(value: object) -> bytes:
    """Return canonical Extended JSON (v2) as UTF-8: every number and date with its type."""
    return _rendered(value, _CANONICAL)


def relaxed_json(value: object) -> bytes:
    """Return relaxed Extended JSON (v2) as UTF-8: plain numbers, the width of integers lost, the rest with its type."""
    values = value.values() if type(value) is dict else (value,)
    if _PLAIN.issuperset(map(type, values)):
        try:
            text = orjson.dumps(value)
        except TypeError:  # half a surrogate pair
            return _rendered(value, _RELAXED)
        if b"\\u0000" not in text:
            return text
    return _rendered(value, _RELAXED)


def _rendered(value: object, options: JSONOptions) -> bytes:
    try:
        encoded = _dumped(value, options)
    except UnicodeEncodeError:
        return _dumped(_storable(value), options)
    return _dumped(_storable(value), options) if b"\\u0000" in encoded else encoded


def _dumped(value: object, options: JSONOptions) -> bytes:
    return json_util.dumps(value, json_options=options, ensure_ascii=False, separators=(",", ":")).encode()


def _storable(value: Any) -> Any:  # noqa: ANN401 - any tree
    """Return the tree with each text PostgreSQL cannot hold (NUL, half a surrogate pair) as ``{"$utf8": hex}``."""
    if isinstance(value, str):
        raw = value.encode("utf-8", "surrogatepass")
        return value if _holdable(value, raw) else {"$utf8": raw.hex()}
    if isinstance(value, Mapping):
        return {_storable_key(name): _storable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(each) for each in value]
    return value


def _storable_key(name: str) -> str:
    raw = name.encode("utf-8", "surrogatepass")
    return name if _holdable(name, raw) else f"$utf8:{raw.hex()}"


def _holdable(text: str, raw: bytes) -> bool:
    return "\x00" not in text and raw.decode("utf-8", "replace") == text
