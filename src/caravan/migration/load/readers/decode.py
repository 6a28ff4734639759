"""From the bytes of a record to Python values: one set of types, whatever the format.

``dict``, ``list``, ``str``, ``bool``, ``int`` (``Int64`` where 64 bits are stated), ``float``, ``Decimal128``,
``ObjectId``, ``DBRef``, aware ``datetime`` in UTC (``DatetimeMS`` outside the years 1 to 9999), ``Timestamp``,
``Binary`` (also of UUIDs, whose byte order the driver of the source chose), ``bytes``, ``Regex`` …; a JSON number that
a double would not keep exactly is a ``Decimal``. Rows of tables have the types that ``row_text`` lists.
"""

import json
import re
from datetime import UTC
from decimal import Decimal
from typing import Any, Final

import bson
from bson import json_util
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion, TypeRegistry
from bson.errors import BSONError

from caravan.migration.load.readers.errors import RecordUndecodable
from caravan.migration.load.readers.protocol import MAX_DOCUMENT, RecordFormat
from caravan.migration.load.readers.row_text import decode_row
from caravan.migration.load.readers.shell_json import without_shell_forms

__all__ = ["decode"]

_CODEC: Final[CodecOptions[dict[str, Any]]] = CodecOptions(
    tz_aware=True, tzinfo=UTC, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_JSON: Final = json_util.JSONOptions(
    tz_aware=True,
    tzinfo=UTC,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    uuid_representation=UuidRepresentation.UNSPECIFIED,
)
_MEASURING: Final[CodecOptions[dict[str, Any]]] = CodecOptions(
    type_registry=TypeRegistry(
        fallback_encoder=lambda value: float(value) if isinstance(value, Decimal) else value
    )
)
_LONE_SURROGATE: Final = re.compile(rb"\\u[dD][89abAB]")


def decode(format: RecordFormat, raw: bytes) -> dict[str, Any]:  # noqa: A002 - the reader's own word, passed on
    """Return the document; of a key that is there twice the last value counts.

    Raises:
        RecordUndecodable: with reason ``record.not_bson``, ``record.not_json``, ``record.invalid_utf8``,
            ``record.too_deep`` or ``record.too_large``.
    """
    if format == "row":
        return decode_row(raw)
    return _from_bson(raw) if format == "bson" else _from_json(raw)


def _from_bson(raw: bytes) -> dict[str, Any]:
    try:
        return bson.decode(raw, _CODEC)
    except (BSONError, ValueError, OverflowError, RecursionError) as error:
        raise RecordUndecodable(_reason(str(error)), str(error)) from error


def _reason(problem: str) -> str:
    # The C decoder tells its causes apart by text alone.
    if "codec can't decode" in problem:
        return "record.invalid_utf8"
    return "record.too_deep" if "recursion" in problem else "record.not_bson"


def _from_json(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode()
        document = _parsed(text)
        if _LONE_SURROGATE.search(raw):
            _check_surrogates(text)
    except UnicodeError as error:
        raise RecordUndecodable("record.invalid_utf8", str(error)) from error
    except RecursionError as error:
        raise RecordUndecodable("record.too_deep", "the document is nested too deeply") from error
    except (BSONError, ValueError, TypeError, KeyError, ArithmeticError, AttributeError) as error:
        raise RecordUndecodable("record.not_json", str(error)) from error
    if not isinstance(document, dict):
        raise RecordUndecodable("record.not_json", "this is a value, not a document")
    if (
        len(raw) > MAX_DOCUMENT
        and (size := len(bson.encode(document, codec_options=_MEASURING))) > MAX_DOCUMENT
    ):
        raise RecordUndecodable("record.too_large", f"{size} bytes as BSON, at most {MAX_DOCUMENT} are read")
    return document


def _parsed(text: str) -> object:
    try:
        return _extended(text)
    except json.JSONDecodeError:
        plain = without_shell_forms(text)
        if plain == text:
            raise
        return _extended(plain)


def _extended(text: str) -> object:
    return json_util.loads(text, json_options=_JSON, parse_float=_number)


def _number(digits: str) -> float | Decimal:
    """Return a double where its shortest form is the number written, else the exact decimal."""
    number = float(digits)
    if repr(number) == digits or Decimal(repr(number)) == Decimal(digits):
        return number
    return Decimal(digits)


def _check_surrogates(text: str) -> None:
    """Raise UnicodeError for half a surrogate pair, which no UTF-8 text can hold."""
    json.dumps(json.loads(without_shell_forms(text)), ensure_ascii=False).encode()
