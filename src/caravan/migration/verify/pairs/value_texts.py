"""The texts of cells made of Python values, as readers and SQLite give them. A value of another kind is odd, never converted."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from caravan.migration.load.readers.row_text import JsonText
from caravan.migration.verify.float_bits import bits_of
from caravan.migration.verify.jsonb_text import jsonb_text
from caravan.migration.verify.pairs.cells import odd
from caravan.migration.verify.pairs.kinds import Agreed, Kind
from caravan.migration.verify.pairs.moment_texts import instant_text, moment_text

__all__ = ["text_maker"]

_UUID_BYTES: Final = 16


def text_maker(column: Agreed) -> Callable[[Any], str]:
    """Return what makes the text of a value of this column, NULL excepted."""
    make: Callable[[Any], str]
    if column.kind == "decimal":
        make = partial(_decimal, column.scale)
    elif column.kind in ("instant", "moment"):
        make = partial(_instant if column.kind == "instant" else _moment, ZoneInfo(column.zone))
    else:
        make = _MAKERS[column.kind]

    def text(value: Any) -> str:  # noqa: ANN401 - any value of a store
        try:
            return make(value)
        except (TypeError, ValueError, ArithmeticError, RecursionError):
            return odd(value)

    return text


def _integer(value: Any) -> str:  # noqa: ANN401 - as above
    if type(value) is not int:
        raise TypeError
    return str(value)


def _decimal(scale: int | None, value: Any) -> str:  # noqa: ANN401 - as above
    """A double stands for its shortest decimal form; digits behind the scale are kept, so that they show."""
    if type(value) is bool or not isinstance(value, int | float | str | Decimal):
        raise TypeError
    number = Decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite():
        raise InvalidOperation
    digits = -int(number.as_tuple().exponent)
    text = format(number, "f") if scale is None or digits > scale else format(number, f".{scale}f")
    if (scale is None or digits > scale) and "." in text:
        whole, _, fraction = text.partition(".")
        fraction = fraction.rstrip("0").ljust(scale or 0, "0")
        text = f"{whole}.{fraction}" if fraction else whole
    return text.removeprefix("-") if not number else text


def _float(value: Any) -> str:  # noqa: ANN401 - as above
    if type(value) not in (int, float) or (float(value) != value and value == value):  # noqa: PLR0124 - NaN is not itself
        raise TypeError
    return bits_of(float(value))


def _boolean(value: Any) -> str:  # noqa: ANN401 - as above
    if type(value) not in (bool, int) or value not in (0, 1):
        raise TypeError
    return "t" if value else "f"


def _text(value: Any) -> str:  # noqa: ANN401 - as above
    if type(value) is not str:
        raise TypeError
    value.encode()
    return value


def _bytes(value: Any) -> str:  # noqa: ANN401 - as above
    if not isinstance(value, bytes):
        raise TypeError
    return f"x{value.hex()}"


def _uuid(value: Any) -> str:  # noqa: ANN401 - as above
    if isinstance(value, bytes) and len(value) == _UUID_BYTES:
        return str(UUID(bytes=value))
    return str(value if isinstance(value, UUID) else UUID(_text(value)))


def _instant(zone: ZoneInfo, value: Any) -> str:  # noqa: ANN401 - as above
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value).strip())
    return instant_text(moment if moment.tzinfo else moment.replace(tzinfo=zone, fold=1))


def _moment(zone: ZoneInfo, value: Any) -> str:  # noqa: ANN401 - as above
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value).strip())
    return moment_text(moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment)


def _date(value: Any) -> str:  # noqa: ANN401 - as above
    day = value if isinstance(value, date) else date.fromisoformat(_text(value).strip())
    if isinstance(day, datetime):
        raise TypeError
    return day.isoformat()


def _time(value: Any) -> str:  # noqa: ANN401 - as above
    clock = value if isinstance(value, time) else time.fromisoformat(_text(value).strip())
    if clock.tzinfo is not None:
        raise TypeError
    text = clock.isoformat()
    return text.rstrip("0") if clock.microsecond else text


def _json(value: Any) -> str:  # noqa: ANN401 - as above
    raw = value.text if isinstance(value, JsonText) else value
    return jsonb_text(raw if isinstance(raw, bytes) else _text(raw).encode())


_MAKERS: Final[dict[Kind, Callable[[Any], str]]] = {
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "text": _text,
    "bytes": _bytes,
    "uuid": _uuid,
    "date": _date,
    "time": _time,
    "json": _json,
}
