"""Values kept word for word: canonical Extended JSON, made safe for a jsonb column, and read back.

What rows of tables hold and Extended JSON does not know is an object with one key that names its type, as ``row_text`` has them, with
``$`` before the name: ``{"$decimal": "12.30"}``, ``{"$day": "2024-02-29"}``, ``{"$datetime": "2024-02-29T10:00:00"}``,
``{"$time": "10:00:00"}``, ``{"$microseconds": "1"}``, ``{"$uuid": "…"}``, ``{"$integer": "18446744073709551615"}``. Bytes are
``$binary`` of subtype 0. In relaxed JSON an exact number is a number, with all its digits.
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson
from bson import json_util
from bson.binary import UuidRepresentation
from bson.codec_options import DatetimeConversion
from bson.json_util import JSONMode, JSONOptions

__all__ = ["ORIGINAL", "canonical_json", "exact_number", "parsed_json", "relaxed_json"]

ORIGINAL: Final = "_original"
"""The key in ``extra`` under which the values stand that a codec could not take, by source path."""

_CANONICAL: Final = JSONOptions(json_mode=JSONMode.CANONICAL, uuid_representation=UuidRepresentation.STANDARD)
_RELAXED: Final = JSONOptions(json_mode=JSONMode.RELAXED, uuid_representation=UuidRepresentation.STANDARD)
_READING: Final = JSONOptions(
    tz_aware=True,
    tzinfo=UTC,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    uuid_representation=UuidRepresentation.UNSPECIFIED,
)
_PLAIN: Final = frozenset({str, bool, type(None)})
_WIDEST: Final = 1 << 63
_MILLISECOND: Final = 1000
_UTF8: Final = "$utf8"


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


def parsed_json(raw: bytes | str) -> Any:  # noqa: ANN401 - any tree
    """Return what ``canonical_json`` was given; of ``relaxed_json`` what it kept.

    Raises:
        ValueError: it is no JSON.
    """
    return json.loads(raw, object_pairs_hook=_object, parse_float=exact_number)


def _rendered(value: object, options: JSONOptions) -> bytes:
    tagged = _tagged(value, options)
    try:
        encoded = _dumped(tagged, options)
    except TypeError:  # an exact number
        return orjson.dumps(_with_literals(_storable(tagged)))
    except UnicodeEncodeError:
        return _dumped(_storable(tagged), options)
    return _dumped(_storable(tagged), options) if b"\\u0000" in encoded else encoded


def _dumped(value: object, options: JSONOptions) -> bytes:
    return json_util.dumps(value, json_options=options, ensure_ascii=False, separators=(",", ":")).encode()


def _tagged(value: Any, options: JSONOptions) -> Any:  # noqa: ANN401 - any tree
    """Return the tree with the types of rows as tagged objects; what is JSON or BSON stays."""
    kind = type(value)
    if kind is dict:
        return {name: _tagged(each, options) for name, each in value.items()}
    if kind is list or kind is tuple:
        return [_tagged(each, options) for each in value]
    if kind is int:
        return value if -_WIDEST <= value < _WIDEST else {"$integer": str(value)}
    if kind is Decimal:
        return {"$decimal": str(value)} if options is _CANONICAL else value
    if kind is datetime:
        precise = value.tzinfo is None or value.microsecond % _MILLISECOND
        return {"$datetime": value.isoformat()} if precise else value
    write = _WRITTEN.get(kind)
    return value if write is None else write(value)


def _with_literals(value: Any) -> Any:  # noqa: ANN401 - any tree
    """Return the tree as relaxed JSON whose exact numbers are written digit by digit."""
    if isinstance(value, dict):
        return {name: _with_literals(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_literals(each) for each in value]
    if type(value) is Decimal:
        return orjson.Fragment(str(value))
    if type(value) in _PLAIN:
        return value
    found = json_util.default(value, _RELAXED)
    return _with_literals(found) if isinstance(found, dict) else found


def _micros(value: timedelta) -> str:
    return str(value // timedelta(microseconds=1))


_WRITTEN: Final[dict[type, Callable[[Any], dict[str, str]]]] = {
    UUID: lambda value: {"$uuid": str(value)},
    date: lambda value: {"$day": value.isoformat()},
    time: lambda value: {"$time": value.isoformat()},
    timedelta: lambda value: {"$microseconds": _micros(value)},
}
_READ: Final[dict[str, Callable[[str], Any]]] = {
    "$decimal": Decimal,
    "$integer": int,
    "$uuid": UUID,
    "$day": date.fromisoformat,
    "$datetime": datetime.fromisoformat,
    "$time": time.fromisoformat,
    "$microseconds": lambda text: timedelta(microseconds=int(text)),
    _UTF8: lambda text: bytes.fromhex(text).decode("utf-8", "surrogatepass"),
}


def _object(pairs: list[tuple[str, Any]]) -> Any:  # noqa: ANN401 - any value
    if len(pairs) == 1:
        name, value = pairs[0]
        read = _READ.get(name)
        if read is not None and type(value) is str:
            return read(value)
    named = [(_name(name), value) for name, value in pairs]
    return json_util.object_pairs_hook(named, _READING)


def _name(name: str) -> str:
    if not name.startswith(f"{_UTF8}:"):
        return name
    return bytes.fromhex(name.removeprefix(f"{_UTF8}:")).decode("utf-8", "surrogatepass")


def exact_number(digits: str) -> float | Decimal:
    """Return a double where it is the number written, else the exact decimal."""
    number = float(digits)
    return number if math.isfinite(number) and Decimal(repr(number)) == Decimal(digits) else Decimal(digits)


def _storable(value: Any) -> Any:  # noqa: ANN401 - any tree
    """Return the tree with each text PostgreSQL cannot hold (NUL, half a surrogate pair) as ``{"$utf8": hex}``."""
    if isinstance(value, str):
        raw = value.encode("utf-8", "surrogatepass")
        return value if _holdable(value, raw) else {_UTF8: raw.hex()}
    if isinstance(value, Mapping):
        return {_storable_key(name): _storable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(each) for each in value]
    return value


def _storable_key(name: str) -> str:
    raw = name.encode("utf-8", "surrogatepass")
    return name if _holdable(name, raw) else f"{_UTF8}:{raw.hex()}"


def _holdable(text: str, raw: bytes) -> bool:
    return "\x00" not in text and raw.decode("utf-8", "replace") == text
