"""Text, and currencies."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder, same
from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["Currency", "Text", "decode_text"]

_CURRENCY: Final = re.compile(r"[A-Za-z]{3}")


def decode_text(value: Any) -> str:  # noqa: ANN401 - any value of any source
    """Return text as a ``text`` column takes it: a string as it is, an integer in digits.

    Raises:
        BadValueError: ``text.unstorable`` (with the text without the characters PostgreSQL refuses), ``text.wrong_type``.
    """
    if type(value) is str:
        if value.isascii():
            if "\x00" not in value:
                return value
        elif _storable(value):
            return value
        cleaned = value.encode("utf-8", "replace").decode().replace("\x00", "")
        raise BadValueError(
            "text.unstorable", f"{shown(value)} holds NUL or half a surrogate pair", instead=cleaned
        )
    if isinstance(value, int) and type(value) is not bool:
        return str(int(value))
    raise BadValueError("text.wrong_type", f"{shown(value)} is not text")


def _storable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in value


@dataclass(frozen=True)
class Text(Codec):
    """A string or an integer."""

    name: ClassVar[str] = "text"
    takes: ClassVar[frozenset[str]] = frozenset({"text", "integer"})
    sql_type: ClassVar[SqlType] = "text"
    lossy: ClassVar[str] = "an integer becomes its digits"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return decode_text

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return same


@dataclass(frozen=True)
class Currency(Codec):
    """A code of three letters (ISO 4217), in capitals."""

    name: ClassVar[str] = "currency"
    takes: ClassVar[frozenset[str]] = frozenset({"text"})
    sql_type: ClassVar[SqlType] = "text"
    lossy: ClassVar[str] = "letter case"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _currency

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return same


def _currency(value: Any) -> str:  # noqa: ANN401 - any value of any source
    if type(value) is str and _CURRENCY.fullmatch(value):
        return value.upper()
    raise BadValueError("currency.not_a_code", f"{shown(value)} is not a code of three letters")
