"""Whole numbers."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from caravan.migration.mapping.codecs.codec import Codec, Decoder
from caravan.migration.mapping.contract import MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["Integer", "whole"]

_DIGITS: Final = re.compile(r"\s*[+-]?[0-9]{1,10}\s*")
_LIMIT: Final = 1 << 31


def whole(value: Any) -> int | None:  # noqa: ANN401 - any value of any source
    """Return the integer of an ``integer`` column, or None when the value is none."""
    if not (isinstance(value, int) or _is_whole(value)):
        return None
    number = int(value)
    return number if -_LIMIT <= number < _LIMIT else None


def _is_whole(value: object) -> bool:
    if type(value) is float:
        return value.is_integer()
    return type(value) is str and _DIGITS.fullmatch(value) is not None


@dataclass(frozen=True)
class Integer(Codec):
    """An integer, a whole double, a truth value as 0 or 1, or digits."""

    name: ClassVar[str] = "integer"
    sql_type: ClassVar[SqlType] = "integer"
    lossy: ClassVar[str] = "the BSON type"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _integer


def _integer(value: Any) -> int:  # noqa: ANN401 - any value of any source
    number = whole(value)
    if number is None:
        raise BadValueError("number.not_an_integer", f"{shown(value)} is not a whole number of 32 bits")
    return number
