"""The encoding of one column's values, many at a time; ``encoding`` says what it looks like.

Checks are by the type's own methods (``str.isascii``, ``bytes.hex``): a value of another type is an error, never text.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from struct import Struct
from typing import Any, Final, TypeAlias

from caravan.migration.mapping.contract import Column
from caravan.migration.verify.jsonb_text import jsonb_text

__all__ = ["EncodeColumn", "column_encoder"]

EncodeColumn: TypeAlias = Callable[[Sequence[Any]], list[str]]

_NULL: Final = "n:0:"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = date(1970, 1, 1)
_DOUBLE: Final = Struct(">d").pack
_BOOLEANS: Final = {None: _NULL, True: "b:1:t", False: "b:1:f"}
_REMEMBERED: Final = 1_000

_hex = bytes.hex
_ascii = str.isascii
_repr = int.__repr__


def column_encoder(column: Column) -> EncodeColumn:
    """Return the encoder of a column."""
    if column.type == "numeric":
        return _Numbers(column.scale)
    return _ENCODERS[column.type]


def _uuids(values: Sequence[bytes | None]) -> list[str]:
    return [_NULL if value is None else "u:32:" + _hex(value) for value in values]


def _texts(values: Sequence[str | None]) -> list[str]:
    return [
        _NULL
        if value is None
        else f"t:{len(value)}:{value}"
        if _ascii(value)
        else f"t:{len(value.encode())}:{value}"
        for value in values
    ]


def _integers(values: Sequence[int | None]) -> list[str]:
    return [_NULL if value is None else f"i:{len(text := _repr(value))}:{text}" for value in values]


def _booleans(values: Sequence[bool | None]) -> list[str]:
    return [_BOOLEANS[value] for value in values]


def _bytes(values: Sequence[bytes | None]) -> list[str]:
    return [_NULL if value is None else f"x:{len(value) * 2}:{_hex(value)}" for value in values]


def _times(values: Sequence[datetime | None]) -> list[str]:
    """Rows of one record share their times, often the very object."""
    encoded = []
    last: datetime | None = None
    text = _NULL
    for value in values:
        if value is not last:
            last = value
            text = _NULL if value is None else _time(value)
        encoded.append(text)
    return encoded


def _time(value: datetime) -> str:
    since = value - _EPOCH
    text = str((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)
    return f"z:{len(text)}:{text}"


def _doubles(values: Sequence[float | None]) -> list[str]:
    """All bits: no rounding, no shortest form that two stores would print differently."""
    return [_NULL if value is None else "f:16:" + _hex(_DOUBLE(value)) for value in values]


def _days(values: Sequence[date | None]) -> list[str]:
    return [
        _NULL if value is None else f"y:{len(text := str((value - _FIRST_DAY).days))}:{text}"
        for value in values
    ]


def _jsonbs(values: Sequence[bytes | None]) -> list[str]:
    return [_NULL if value is None else _jsonb(value) for value in values]


def _jsonb(value: bytes) -> str:
    text = jsonb_text(value)
    return f"j:{len(text) if text.isascii() else len(text.encode())}:{text}"


class _Numbers:
    """Equal numbers have equal text at one scale, so texts are remembered: prices and quantities repeat."""

    def __init__(self, scale: int | None) -> None:
        self._scale = scale
        self._known: dict[Decimal | None, str] = {None: _NULL}

    def __call__(self, values: Sequence[Decimal | None]) -> list[str]:
        known = self._known
        if len(known) > _REMEMBERED:
            known.clear()
            known[None] = _NULL
        return [known.get(value) or self._learn(value) for value in values]

    def _learn(self, value: Decimal | None) -> str:
        text = Decimal.__format__(value, "f" if self._scale is None else f".{self._scale}f")  # type: ignore[arg-type]  # None is known
        if self._scale is None and "." in text:
            text = text.rstrip("0").rstrip(".")
        if text[0] == "-" and not value:
            text = text[1:]
        return self._known.setdefault(value, f"d:{len(text)}:{text}")


_ENCODERS: Final[dict[str, EncodeColumn]] = {
    "uuid": _uuids,
    "text": _texts,
    "boolean": _booleans,
    "integer": _integers,
    "bigint": _integers,
    "double precision": _doubles,
    "timestamptz": _times,
    "date": _days,
    "jsonb": _jsonbs,
    "bytea": _bytes,
}
