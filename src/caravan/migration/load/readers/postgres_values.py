"""Values of PostgreSQL from their text form (ISO dates, hexadecimal bytea), by the name of the type ``format_type`` gives.

A type without a Python one of its own (ranges, inet, interval, enumerations, composites …) keeps its text, which is exact
by PostgreSQL's own promise: output functions and input functions are inverse.
"""

import re
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final
from uuid import UUID

from caravan.migration.load.readers.errors import RecordUndecodable
from caravan.migration.load.readers.postgres_arrays import array_parser
from caravan.migration.load.readers.row_text import JsonText, decode_row, encode_row
from caravan.migration.load.readers.rows import OddValueError, Parse
from caravan.migration.load.readers.rules import Rules

__all__ = ["parser_of"]

_MODIFIER: Final = re.compile(r"\([^)]*\)")
_SHORT_OFFSET: Final = re.compile(r"([+-]\d\d)$")
_ALIASES: Final = {"timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone",
                   "time": "time without time zone", "int8": "bigint", "int4": "integer", "int2": "smallint",
                   "bool": "boolean", "float8": "double precision", "float4": "real", "int": "integer",
                   "decimal": "numeric"}  # fmt: skip


def parser_of(declared: str, rules: Rules) -> Parse:
    """Return what makes exact values of texts of a type."""
    plain = _MODIFIER.sub("", declared).strip()
    if plain.endswith("[]"):
        element = plain.removesuffix("[]")
        while element.endswith("[]"):
            element = element.removesuffix("[]")
        return array_parser(parser_of(element, rules), ";" if element == "box" else ",")
    plain = _ALIASES.get(plain, plain)
    if plain == "money":
        raise LookupError(
            "the text of money depends on the locale of the server; read the column as numeric through a view"
        )
    if (dated := _DATED.get(plain)) is not None:
        return _dated(dated, rules)
    simple = _SIMPLE.get(plain)
    return _text if simple is None else _guarded(simple, declared)


def _guarded(read: Callable[[str], object], declared: str) -> Parse:
    def parse(text: str) -> object:
        try:
            return read(text)
        except (ValueError, ArithmeticError, RecordUndecodable):
            raise OddValueError("value.not_of_its_type", f"{text[:80]!r} is no value of {declared}") from None

    return parse


def _dated(read: Callable[[str], object], rules: Rules) -> Parse:
    def parse(text: str) -> object:
        if text in {"infinity", "-infinity"}:
            if rules.infinite_dates == "null":
                return None
            raise OddValueError(
                "date.infinite",
                f'{text} is no date; set infinite_dates = "null" for the source to read it as NULL',
            )
        try:
            return read(text)
        except ValueError:
            raise OddValueError(
                "date.out_of_range", f"{text!r} is not between the years 1 and 9999"
            ) from None

    return parse


def _text(value: str) -> str:
    return value


def _boolean(text: str) -> bool:
    if text not in {"t", "f", "true", "false"}:
        raise ValueError(text)
    return text[0] == "t"


def _single(text: str) -> float:
    """Return the double that equals the single: its text is the shortest that tells singles apart."""
    (value,) = struct.unpack("f", struct.pack("f", float(text)))
    return float(value)


def _bytes(text: str) -> bytes:
    if not text.startswith("\\x"):
        raise ValueError(text)
    return bytes.fromhex(text[2:])


def _json(text: str) -> JsonText:
    value = JsonText(text)
    decode_row(encode_row({"value": value}))
    return value


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(_whole_fraction(text)).astimezone(UTC)


def _local(text: str) -> datetime:
    return datetime.fromisoformat(_whole_fraction(text))


def _clock(text: str) -> time | str:
    # 24:00:00 is a time of PostgreSQL that Python lacks.
    return text if text.startswith("24:") else time.fromisoformat(_whole_fraction(text))


def _whole_fraction(text: str) -> str:
    """Return the text with an offset in hours and minutes."""
    return _SHORT_OFFSET.sub(r"\1:00", text) if ":" in text else text


_SIMPLE: Final[dict[str, Callable[[str], object]]] = {
    "boolean": _boolean,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "oid": int,
    "numeric": Decimal,
    "real": _single,
    "double precision": float,
    "bytea": _bytes,
    "uuid": UUID,
    "json": _json,
    "jsonb": _json,
    "time without time zone": _clock,
    "time with time zone": _clock,
}
_DATED: Final[dict[str, Callable[[str], object]]] = {
    "date": date.fromisoformat,
    "timestamp without time zone": _local,
    "timestamp with time zone": _instant,
}
