"""Values whose meaning their column does not carry (SQLite, CSV), read as the migration file declares them."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from uuid import UUID

from caravan.migration.load.readers.errors import RecordUndecodable
from caravan.migration.load.readers.row_text import JsonText, decode_row, encode_row
from caravan.migration.load.readers.rows import OddValueError, Parse
from caravan.migration.load.readers.rules import ColumnRule

__all__ = ["declared"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_JULIAN_EPOCH: Final = 2440587.5  # the Julian day of 1970-01-01T00:00Z
_DAY_MS: Final = 86_400_000


def declared(rule: ColumnRule) -> Parse:
    """Return what reads values by this rule; it raises ``OddValueError`` with ``value.not_as_declared``."""
    read = _READ[rule]

    def parse(value: object) -> object:
        try:
            return read(value)
        except (ValueError, TypeError, ArithmeticError, RecordUndecodable):
            raise OddValueError(
                "value.not_as_declared", f"{str(value)[:80]!r} is no value of the declared kind {rule!r}"
            ) from None

    return parse


def _boolean(value: object) -> bool:
    if value in (0, 1) and not isinstance(value, float):
        return bool(value)
    if isinstance(value, str) and (word := value.strip().lower()) in _WORDS:
        return _WORDS[word]
    raise ValueError


def _integer(value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, str):
        return int(value)
    raise ValueError


def _decimal(value: object) -> Decimal:
    """Return what is written; a double stands for its shortest decimal form."""
    if not isinstance(value, int | float | str):
        raise TypeError
    number = Decimal(value.strip() if isinstance(value, str) else repr(value))
    if not number.is_finite():
        raise InvalidOperation
    return number


def _float(value: object) -> float:
    if isinstance(value, int) and abs(value) > 1 << 53:
        raise ValueError
    if isinstance(value, int | float | str):
        return float(value)
    raise TypeError


def _iso(value: object) -> datetime:
    if not isinstance(value, str):
        raise TypeError
    moment = datetime.fromisoformat(value.strip())
    return moment if moment.tzinfo is None else moment.astimezone(UTC)


def _unix(value: object) -> datetime:
    seconds = _decimal(value)
    return _EPOCH + timedelta(microseconds=_exact(seconds * 1_000_000))


def _unix_ms(value: object) -> datetime:
    return _EPOCH + timedelta(microseconds=_exact(_decimal(value) * 1000))


def _exact(micros: Decimal) -> int:
    if micros != micros.to_integral_value():
        raise ValueError
    return int(micros)


def _julian(value: object) -> datetime:
    """SQLite counts Julian days to the millisecond (https://www.sqlite.org/lang_datefunc.html)."""
    days = float(_decimal(value)) - _JULIAN_EPOCH
    if not math.isfinite(days):
        raise ValueError
    return _EPOCH + timedelta(milliseconds=round(days * _DAY_MS))


def _json(value: object) -> JsonText:
    if not isinstance(value, str):
        raise TypeError
    decode_row(encode_row({"value": JsonText(value)}))
    return JsonText(value)


def _uuid(value: object) -> UUID:
    if isinstance(value, bytes):
        return UUID(bytes=value)
    if isinstance(value, str):
        return UUID(value)
    raise TypeError


_WORDS: Final = {
    "true": True, "t": True, "yes": True, "y": True, "1": True,
    "false": False, "f": False, "no": False, "n": False, "0": False,
}  # fmt: skip
_READ: Final[dict[ColumnRule, Callable[[object], object]]] = {
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "float": _float,
    "iso": _iso,
    "unix": _unix,
    "unix_ms": _unix_ms,
    "julian": _julian,
    "json": _json,
    "uuid": _uuid,
}
