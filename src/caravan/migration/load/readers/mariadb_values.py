"""Values of MariaDB and MySQL, from the bytes of the text protocol or of a dump, by the declared type of the column."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from caravan.migration.load.readers.errors import RecordUndecodable
from caravan.migration.load.readers.row_text import JsonText, decode_row, encode_row
from caravan.migration.load.readers.rows import OddValueError, Parse
from caravan.migration.load.readers.rules import Rules
from caravan.migration.load.readers.tables import SourceColumn

__all__ = ["ENCODINGS", "base_type", "parser_of"]

ENCODINGS: Final = {
    "utf8mb4": "utf-8",
    "utf8mb3": "utf-8",
    "utf8": "utf-8",
    "ascii": "ascii",
    "latin1": "cp1252",
    "latin2": "iso8859-2",
    "latin5": "iso8859-9",
    "latin7": "iso8859-13",
    "greek": "iso8859-7",
    "hebrew": "iso8859-8",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1256": "cp1256",
    "cp1257": "cp1257",
    "cp850": "cp850",
    "cp852": "cp852",
    "cp866": "cp866",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "sjis": "shift-jis",
    "cp932": "cp932",
    "ujis": "euc-jp",
    "euckr": "euc-kr",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "big5",
    "tis620": "tis-620",
    "ucs2": "utf-16-be",
    "utf16": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf32": "utf-32-be",
}
"""The character sets of the server whose bytes Python reads alike; others are refused by name."""

_INTEGERS: Final = frozenset({"tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year"})
_TEXTS: Final = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"})
_BYTES: Final = frozenset(
    {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry", "point", "linestring",
     "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "vector"}
)  # fmt: skip
_PLAIN: Final = frozenset({"inet4", "inet6"})
_TIME: Final = re.compile(rb"(-?)(\d{1,3}):(\d\d):(\d\d)(?:\.(\d{1,6}))?")
_WITHOUT_CP1252: Final = {0x81: "\x81", 0x8D: "\x8d", 0x8F: "\x8f", 0x90: "\x90", 0x9D: "\x9d"}


def base_type(declared: str) -> str:
    """Return the name of a declared type: ``int`` of ``int(10) unsigned``."""
    return re.split(r"[\s(]", declared.strip().lower(), maxsplit=1)[0]


def parser_of(column: SourceColumn, rules: Rules, *, utc: bool = True) -> Parse:
    """Return what makes exact values of the bytes of a column.

    ``utc``: TIMESTAMP values are in UTC, as a session with ``time_zone = '+00:00'`` writes them; else they stay naive.

    Raises:
        LookupError: the type or the character set is not known, and the message says which.
    """
    kind = base_type(column.type)
    if kind in _TEXTS:
        return _text_parser(column, kind, rules)
    if kind == "timestamp":
        return lambda raw: _zoned(_moment(raw, rules), utc=utc)
    if kind in {"date", "datetime"}:
        return (lambda raw: _day(raw, rules)) if kind == "date" else (lambda raw: _moment(raw, rules))
    simple = _SIMPLE.get(kind)
    if simple is None:
        raise LookupError(f"column {column.name} has the type {column.type}, which is not known")
    return _guarded(simple, column.type)


def _guarded(read: Callable[[bytes], object], declared: str) -> Parse:
    def parse(raw: bytes) -> object:
        try:
            return read(raw)
        except (ValueError, ArithmeticError, RecordUndecodable):
            raise OddValueError("value.not_of_its_type", f"{raw[:80]!r} is no value of {declared}") from None

    return parse


def _text_parser(column: SourceColumn, kind: str, rules: Rules) -> Parse:
    charset = (column.charset or "utf8mb4").lower()
    if charset == "binary":
        return bytes
    if charset not in ENCODINGS:
        raise LookupError(f"column {column.name} has the character set {charset}, which is not known")
    decode = _decoder(charset)

    def text(raw: bytes) -> object:
        try:
            found = decode(raw)
        except UnicodeDecodeError:
            if rules.invalid_text == "bytes":
                return raw
            raise OddValueError("text.invalid", f"the bytes of this text are not {charset}") from None
        if kind == "enum" and found not in column.members:
            # The server stores 0 where a value was none of the members, and shows it as empty text.
            raise OddValueError("enum.not_a_member", f"{found!r} is none of the declared members")
        if kind == "set":
            return [member for member in found.split(",") if member]
        return found

    return text


def _decoder(charset: str) -> Callable[[bytes], str]:
    encoding = ENCODINGS[charset]
    if charset == "latin1":  # the server maps the five bytes that cp1252 lacks to themselves
        return lambda raw: "".join(_latin1(raw))
    return lambda raw: raw.decode(encoding)


def _latin1(raw: bytes) -> str:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(_WITHOUT_CP1252.get(byte) or bytes((byte,)).decode("cp1252") for byte in raw)


def _moment(raw: bytes, rules: Rules) -> datetime | None:
    text = raw.decode("ascii", "replace")
    if _is_zero(text):
        _refuse_zero(text, rules)
        return None
    try:
        return datetime.fromisoformat(_six_digits(text))
    except ValueError:
        raise OddValueError("date.impossible", f"{text!r} is no date and time") from None


def _day(raw: bytes, rules: Rules) -> date | None:
    text = raw.decode("ascii", "replace")
    if _is_zero(text):
        _refuse_zero(text, rules)
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise OddValueError("date.impossible", f"{text!r} is no date") from None


def _is_zero(text: str) -> bool:
    return text.startswith("0000-") or text[4:7] == "-00" or text[7:10] == "-00"


def _refuse_zero(text: str, rules: Rules) -> None:
    if rules.zero_dates == "refuse":
        raise OddValueError(
            "date.zero", f'{text} is no date; set zero_dates = "null" for the source to read it as NULL'
        )


def _six_digits(text: str) -> str:
    whole, point, fraction = text.partition(".")
    return f"{whole}.{fraction:0<6}" if point else whole


def _zoned(value: datetime | None, *, utc: bool) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and utc else value


def _duration(raw: bytes) -> timedelta:
    match = _TIME.fullmatch(raw)
    if match is None:
        raise ValueError
    sign, hours, minutes, seconds, fraction = match.groups(default=b"")
    length = timedelta(
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int((fraction or b"0").ljust(6, b"0")),
    )
    return -length if sign else length


def _json(raw: bytes) -> JsonText:
    text = JsonText(raw.decode())
    decode_row(encode_row({"value": text}))
    return text


def _bits(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


_SIMPLE: Final[dict[str, Callable[[bytes], object]]] = {
    **dict.fromkeys(_INTEGERS, int),
    **dict.fromkeys(_BYTES, bytes),
    **dict.fromkeys(_PLAIN, lambda raw: raw.decode("ascii")),
    "decimal": lambda raw: Decimal(raw.decode("ascii")),
    "numeric": lambda raw: Decimal(raw.decode("ascii")),
    "double": float,
    "float": float,
    "real": float,
    "time": _duration,
    "bit": _bits,
    "json": _json,
    "uuid": lambda raw: UUID(raw.decode("ascii")),
}
