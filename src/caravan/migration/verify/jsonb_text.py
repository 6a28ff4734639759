"""The text form of PostgreSQL's jsonb, made in Python: what ``value::jsonb::text`` prints.

Keys by length in bytes, then by bytes, the last of equal keys; ``", "`` and ``": "`` between; numbers as ``numeric``
prints them (no exponent, zeros after the point kept, no negative zero). PostgreSQL manual, section 8.14.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final, NoReturn

__all__ = ["jsonb_text"]

_PLAIN: Final = {b"{}": "{}", b"[]": "[]", b"null": "null"}
_CONSTANTS: Final = {True: "true", False: "false", None: "null"}


def jsonb_text(raw: bytes) -> str:
    """Return the canonical text of UTF-8 JSON text.

    Raises:
        ValueError: it is no JSON, or jsonb refuses it (NaN, U+0000, half a surrogate pair).
    """
    return _PLAIN.get(raw) or _written(json.loads(raw, parse_float=Decimal, parse_constant=_refuse))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _written(value: Any) -> str:  # noqa: ANN401 - any JSON value
    kind = type(value)
    if kind is str:
        return _text(value)
    write = _WRITERS.get(kind)
    return write(value) if write is not None else _CONSTANTS[value]


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("jsonb cannot hold U+0000")
    return str(encode_basestring(value))


def _number(value: Decimal) -> str:
    text = format(value, "f")
    return text[1:] if text[0] == "-" and not value else text


def _object(value: dict[str, Any]) -> str:
    keys = sorted((len(encoded := key.encode()), encoded, key) for key in value)
    return "{" + ", ".join([f"{_text(key)}: {_written(value[key])}" for _, _, key in keys]) + "}"


def _array(value: list[Any]) -> str:
    return "[" + ", ".join([_written(item) for item in value]) + "]"


_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    dict: _object,
    list: _array,
    int: int.__repr__,
    Decimal: _number,
}
