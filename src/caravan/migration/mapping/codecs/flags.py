"""Truth values, as booleans and as the 0 and 1 of integer columns."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder, same
from caravan.migration.mapping.codecs.numbers import whole
from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["CountFlag", "Flag"]

_WORDS: Final = {"0": False, "1": True, "false": False, "true": True}


def _truth(value: Any) -> bool | None:  # noqa: ANN401 - any value of any source
    if type(value) is bool:
        return value
    if type(value) is str:
        return _WORDS.get(value.strip().lower())
    if isinstance(value, int | float) and value in (0, 1):
        return value == 1
    return None


def _not_a_flag(value: object) -> BadValueError:
    return BadValueError("flag.not_a_flag", f"{shown(value)} is neither true nor false")


@dataclass(frozen=True)
class Flag(Codec):
    """A boolean, 0 or 1, or one of these as text."""

    name: ClassVar[str] = "flag"
    takes: ClassVar[frozenset[str]] = frozenset({"boolean", "integer", "float", "text"})
    sql_type: ClassVar[SqlType] = "boolean"
    lossy: ClassVar[str] = "the BSON type"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _flag

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return same


def _flag(value: Any) -> bool:  # noqa: ANN401 - any value of any source
    truth = _truth(value)
    if truth is None:
        raise _not_a_flag(value)
    return truth


@dataclass(frozen=True)
class CountFlag(Codec):
    """A flag in an integer column that some releases used as a count: 0, 1, or another whole number."""

    name: ClassVar[str] = "count flag"
    takes: ClassVar[frozenset[str]] = frozenset({"integer", "float", "text", "boolean"})
    sql_type: ClassVar[SqlType] = "integer"
    lossy: ClassVar[str] = "the BSON type"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _count_flag

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return same


def _count_flag(value: Any) -> int:  # noqa: ANN401 - any value of any source
    truth = _truth(value)
    if truth is not None:
        return int(truth)
    number = whole(value)
    if number is None:
        raise _not_a_flag(value)
    return number
