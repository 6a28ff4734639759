"""Numbers: whole ones, exact ones of any scale, doubles."""

import re
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any, ClassVar, Final

from bson import Decimal128

from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder, same
from caravan.migration.mapping.codecs.memory import Memory
from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["BigInteger", "Exact", "Float", "Integer", "whole"]

_DIGITS: Final = re.compile(r"\s*[+-]?[0-9]{1,20}\s*")
_NUMBER: Final = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\s*")
_LIMIT: Final = 1 << 31
_BIG_LIMIT: Final = 1 << 63
_MOST_DIGITS: Final = 1000
_DECIMAL128_DIGITS: Final = 34
_LARGEST_EXPONENT: Final = 308
_WIDE: Final = Context(prec=_MOST_DIGITS)
_QUANTA: Final[Memory[int, Decimal]] = Memory(lambda places: Decimal(1).scaleb(-places))
_NAN: Final = float("nan")


def whole(value: Any, limit: int = _LIMIT) -> int | None:  # noqa: ANN401 - any value of any source
    """Return the integer of an ``integer`` column, or None when the value is none."""
    if not (isinstance(value, int) or _is_whole(value)):
        return None
    number = int(value)
    return number if -limit <= number < limit else None


def _is_whole(value: object) -> bool:
    if type(value) is float:
        return value.is_integer()
    if type(value) is Decimal:
        return value.is_finite() and value == value.to_integral_value()
    return type(value) is str and _DIGITS.fullmatch(value) is not None


@dataclass(frozen=True)
class Integer(Codec):
    """An integer, a whole double, a truth value as 0 or 1, or digits."""

    name: ClassVar[str] = "integer"
    takes: ClassVar[frozenset[str]] = frozenset({"integer", "decimal", "float", "text", "boolean"})
    sql_type: ClassVar[SqlType] = "integer"
    lossy: ClassVar[str] = "the BSON type"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _integer

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return same


def _integer(value: Any) -> int:  # noqa: ANN401 - any value of any source
    if type(value) is int and -_LIMIT <= value < _LIMIT:
        return value
    number = whole(value)
    if number is None:
        raise BadValueError("number.not_an_integer", f"{shown(value)} is not a whole number of 32 bits")
    return number


@dataclass(frozen=True)
class BigInteger(Codec):
    """What ``Integer`` takes, of 64 bits. An unsigned one above 2**63 is refused: declare ``Exact(0)`` where they occur."""

    name: ClassVar[str] = "big integer"
    takes: ClassVar[frozenset[str]] = frozenset({"integer", "decimal", "float", "text", "boolean"})
    sql_type: ClassVar[SqlType] = "bigint"
    lossy: ClassVar[str] = "the BSON type"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _big_integer

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return same


def _big_integer(value: Any) -> int:  # noqa: ANN401 - any value of any source
    if type(value) is int and -_BIG_LIMIT <= value < _BIG_LIMIT:
        return value
    number = whole(value, _BIG_LIMIT)
    if number is None:
        raise BadValueError("number.not_an_integer", f"{shown(value)} is not a whole number of 64 bits")
    return number


@dataclass(frozen=True)
class Exact(Codec):
    """A decimal number of ``places`` digits after the point (None: as many as it has); more are refused, never rounded."""

    places: int | None = None
    name: ClassVar[str] = "exact number"
    takes: ClassVar[frozenset[str]] = frozenset({"integer", "decimal", "float", "text"})
    sql_type: ClassVar[SqlType] = "numeric"
    lossy: ClassVar[str] = "the BSON type, zeros at the end"

    @property
    def scale(self) -> int | None:  # type: ignore[override]  # of each such codec its own
        """Digits after the point."""
        return self.places

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        places = self.places

        def exact(value: Any) -> Decimal:  # noqa: ANN401 - any value of any source
            number = _number(value)
            if number is None:
                raise BadValueError("number.not_a_number", f"{shown(value)} is not a number")
            return number if places is None else _scaled(number, places)

        return exact

    def encoder(self, context: InverseContext) -> Encoder:
        return _for_document if context.shape == "document" else same


def _number(value: object) -> Decimal | None:
    if type(value) is Decimal:
        return value if value.is_finite() else None
    if isinstance(value, Decimal128):
        value = value.to_decimal()
    if type(value) is float:
        value = repr(value)
    if type(value) is bool or not isinstance(value, int | str | Decimal):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _scaled(number: Decimal, places: int) -> Decimal:
    try:
        scaled = number.quantize(_QUANTA[places], context=_WIDE)
    except InvalidOperation:
        raise BadValueError("number.too_large", f"{shown(number)} has too many digits") from None
    if scaled != number:
        raise BadValueError("number.too_fine", f"{number} has more than {places} digits after the point")
    return scaled


def _for_document(number: Decimal) -> Decimal128 | str:
    return Decimal128(number) if len(number.as_tuple().digits) <= _DECIMAL128_DIGITS else str(number)


@dataclass(frozen=True)
class Float(Codec):
    """A double, with every bit; infinities too, and one NaN for all."""

    name: ClassVar[str] = "float"
    takes: ClassVar[frozenset[str]] = frozenset({"float", "integer", "decimal"})
    sql_type: ClassVar[SqlType] = "double precision"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _float

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return same


def _float(value: Any) -> float:  # noqa: ANN401 - any value of any source
    if type(value) is float:
        return value if value == value else _NAN  # noqa: PLR0124 - NaN is not itself
    if isinstance(value, int | Decimal) and type(value) is not bool:
        exact = Decimal(value)
        double = float(exact) if exact.is_finite() and exact.adjusted() < _LARGEST_EXPONENT else 0.0
        if Decimal(repr(double)) == exact:
            return double
    raise BadValueError("number.not_a_double", f"{shown(value)} is not a double")
