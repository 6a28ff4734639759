"""A row of a table as one JSON object that keeps every type: what is hashed, mapped, and kept of a refused record.

Text, integers of 64 bits, doubles, truth values and NULL are themselves; arrays are lists; each other value is an object
with one key that names its type (``{"decimal": "12.30"}``, ``{"bytes": "00ff"}``, ``{"datetime": "2024-02-29T10:00:00+00:00"}``).
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson

from caravan.migration.load.readers.errors import RecordUndecodable

__all__ = ["JsonText", "OddValue", "decode_row", "encode_row"]

_WIDEST: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class JsonText:
    """A JSON value in the words of the source; decoded, it is a tree whose numbers are exact."""

    text: str


@dataclass(frozen=True, slots=True)
class OddValue:
    """A value that has no exact type of ours, as it stands in the source."""

    raw: bytes


def encode_row(row: Mapping[str, object]) -> bytes:
    """Return the row as UTF-8 JSON, columns in their order.

    Raises:
        TypeError: a value of a type that no reader gives.
    """
    return orjson.dumps({name: _tagged(value) for name, value in row.items()})


def decode_row(raw: bytes) -> dict[str, Any]:
    """Return the values by column.

    They are ``str``, ``int``, ``float``, ``bool``, ``None``, ``Decimal``, ``bytes``, ``UUID``, ``date``, ``time``,
    ``datetime`` (aware in UTC, or naive where the source states no zone), ``timedelta``, lists, and JSON trees.

    Raises:
        RecordUndecodable: ``record.not_a_row``.
    """
    try:
        row: dict[str, Any] = orjson.loads(raw)
        return {
            name: _value(tagged) if type(tagged) is dict or type(tagged) is list else tagged
            for name, tagged in row.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise RecordUndecodable("record.not_a_row", str(error)) from error


def _tagged(value: object) -> object:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is int:
        return value if -_WIDEST <= value < _WIDEST else {"integer": str(value)}  # type: ignore[operator]
    if kind is float:
        return value if math.isfinite(value) else {"double": repr(value)}  # type: ignore[arg-type]
    if isinstance(value, list | tuple):
        return [_tagged(each) for each in value]
    tag, write = _WRITTEN[kind]
    return {tag: write(value)}


def _value(tagged: object) -> Any:  # noqa: ANN401 - any type a row may hold
    if type(tagged) is dict:
        ((tag, text),) = tagged.items()
        return _READ[tag](text)
    if type(tagged) is list:
        return [_value(each) for each in tagged]
    return tagged


def _iso(value: Any) -> str:  # noqa: ANN401 - a date or a time
    text: str = value.isoformat()
    return text


def _micros(value: timedelta) -> str:
    return str((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds)


_WRITTEN: Final[dict[type, tuple[str, Callable[[Any], str]]]] = {
    Decimal: ("decimal", str),
    bytes: ("bytes", bytes.hex),
    UUID: ("uuid", str),
    date: ("date", _iso),
    datetime: ("datetime", _iso),
    time: ("time", _iso),
    timedelta: ("microseconds", _micros),
    JsonText: ("json", lambda value: value.text),
    OddValue: ("odd", lambda value: value.raw.hex()),
}


def _json(text: str) -> Any:  # noqa: ANN401 - any tree
    return json.loads(text, parse_float=_number)


def _number(digits: str) -> float | Decimal:
    number = float(digits)
    exact = Decimal(digits)
    return number if math.isfinite(number) and Decimal(repr(number)) == exact else exact


_READ: Final[dict[str, Callable[[str], Any]]] = {
    "integer": int,
    "double": float,
    "decimal": Decimal,
    "bytes": bytes.fromhex,
    "uuid": UUID,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
    "microseconds": lambda text: timedelta(microseconds=int(text)),
    "json": _json,
    "odd": lambda text: OddValue(bytes.fromhex(text)),
}
