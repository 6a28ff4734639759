"""Money and other exact decimals: NUMERIC(18,4) from whatever a source made of them."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal

from bson import Decimal128

from caravan.core.money import LIMIT, NotAnAmountError, amount, quantize
from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder, same
from caravan.migration.mapping.codecs.memory import Memory
from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["Money"]

_NUMBER: Final = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?\s*")


@dataclass(frozen=True)
class Money(Codec):
    """Decimal128, integer, string, or double by its shortest form; more than four places are rounded half-even.

    ``written``: as what a document takes an amount back; rows of tables take the number.
    """

    written: Literal["decimal", "double", "text"] = field(default="decimal", repr=False)
    name: ClassVar[str] = "money"
    takes: ClassVar[frozenset[str]] = frozenset({"integer", "decimal", "float", "text"})
    sql_type: ClassVar[SqlType] = "numeric"
    scale: ClassVar[int | None] = 4
    lossy: ClassVar[str] = "the number is kept, its BSON type and trailing zeros are not"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        doubles: Memory[float, Decimal] = Memory(_exact)
        integers: Memory[int, Decimal] = Memory(_exact)
        strings: Memory[str, Decimal] = Memory(_from_text)
        decimals: Memory[bytes, Decimal] = Memory(_from_decimal128)

        def money(value: Any) -> Decimal:  # noqa: ANN401 - any value of any source
            kind = type(value)
            if kind is float:
                return doubles[value]
            if kind is int:
                return integers[value]
            if kind is Decimal128:
                return decimals[value.bid]
            if kind is str:
                return strings[value]
            return _exact(value)

        return money

    def encoder(self, context: InverseContext) -> Encoder:
        if self.written == "text":
            return str
        if self.written == "double":
            return _double
        return Decimal128 if context.shape == "document" else same


def _double(number: Decimal) -> float | Decimal128:
    """Return the double that is read as this number; beyond 15 digits there may be none."""
    double = float(number)
    return double if Decimal(repr(double)) == number else Decimal128(number)


def _from_decimal128(bid: bytes) -> Decimal:
    return _exact(Decimal128.from_bid(bid).to_decimal())


def _from_text(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise BadValueError("amount.not_a_number", f"{shown(text)} is not a number")
    return _exact(text)


def _exact(value: Any) -> Decimal:  # noqa: ANN401 - any value of any source
    if not isinstance(value, int | float | str | Decimal):
        raise BadValueError("amount.not_a_number", f"{shown(value)} is not a number")
    try:
        number = amount(value)
    except NotAnAmountError as error:
        raise BadValueError("amount.not_a_number", str(error)) from None
    rounded = quantize(number)
    if abs(rounded) >= LIMIT:
        raise BadValueError("amount.not_a_number", f"{shown(value)} has more than 14 digits before the point")
    if rounded != number:
        raise BadValueError("money.rounded", f"{shown(value)} has more than four places", instead=rounded)
    return rounded
