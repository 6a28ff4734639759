"""Values of MariaDB and MySQL as SQL of the text that COPY reads: the bytes of the text protocol, escaped.

Text is taken as the bytes that are stored, so that PostgreSQL refuses what is no UTF-8, and says so, where a conversion would put a
question mark. The five bytes that cp1252 lacks are letters to the server as they are to the parser.
"""

from collections.abc import Sequence
from typing import Final

from caravan.core.ids import LegacyTag
from caravan.migration.load.readers.mariadb_schema import quoted
from caravan.migration.load.readers.mariadb_values import base_type
from caravan.migration.load.readers.tables import SourceColumn

__all__ = [
    "bytes_cell",
    "date_cell",
    "escaped",
    "id_cell",
    "key_text",
    "line",
    "or_null",
    "plain_cell",
    "utf8",
]

_STORED_AS_UTF8: Final = frozenset({"utf8mb4", "utf8mb3", "utf8"})
_WHOLE: Final = frozenset({"tinyint", "smallint", "mediumint", "int", "integer", "bigint"})
_ESCAPES: Final = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
_VARIANTS: Final = "89ab89ab89ab89ab"


def utf8(column: SourceColumn) -> str | None:
    """Return a text column as UTF-8 bytes; None for a character set in which the server would not tell broken text."""
    charset = column.charset.lower()
    name = quoted(column.name)
    if charset in _STORED_AS_UTF8:
        return f"CAST({name} AS BINARY)"
    return f"CAST(CONVERT({name} USING utf8mb4) AS BINARY)" if charset == "latin1" else None


def escaped(text: str) -> str:
    """Return bytes of text with what would end a value, a line or an escape told."""
    for plain, told in _ESCAPES:
        text = f"REPLACE({text}, '{plain}', '{told}')"
    return text


def plain_cell(column: SourceColumn) -> str:
    """Return a value whose text needs no escape: numbers, dates, UUIDs."""
    name = quoted(column.name)
    # The text of a FLOAT has but six digits.
    return or_null(f"CAST({name} AS DOUBLE)" if base_type(column.type) == "float" else name)


def or_null(expression: str) -> str:
    """Return the text, or what stands for NULL."""
    return f"IFNULL({expression}, '\\N')"


def date_cell(column: SourceColumn, *, zero_is_null: bool) -> str:
    """Return a date, or a date and time, as it stands; PostgreSQL refuses those that no calendar has."""
    if not zero_is_null:
        return plain_cell(column)
    text = f"CAST({quoted(column.name)} AS CHAR)"
    zero = f"{text} LIKE '0000-%' OR SUBSTR({text}, 5, 3) = '-00' OR SUBSTR({text}, 8, 3) = '-00'"
    return or_null(f"IF({zero}, NULL, {text})")


def bytes_cell(column: SourceColumn) -> str:
    """Return bytes as PostgreSQL's hexadecimal form."""
    return or_null(f"CONCAT('\\\\x', HEX({quoted(column.name)}))")


def key_text(column: SourceColumn) -> tuple[LegacyTag, str] | None:
    """Return tag and text of a key of one column, as ``mapping.keys`` makes them; None where SQL cannot say it."""
    kind = base_type(column.type)
    if kind in _WHOLE and "zerofill" not in column.type.lower():
        return "i", quoted(column.name)
    if kind in {"char", "varchar"} and (text := utf8(column)) is not None:
        return "s", text
    return None


def id_cell(namespace: bytes, prefix: str, text: str) -> str:
    """Return the UUIDv5 of ``prefix`` and a text, as ``core.ids`` makes it: SHA-1 with version 5 and the variant put in."""
    name = prefix.replace("'", "''")
    digest = f"SHA1(CONCAT(x'{namespace.hex()}', CAST('{name}' AS BINARY), {text}))"
    variant = f"SUBSTR('{_VARIANTS}', CONV(SUBSTR({digest}, 17, 1), 16, 10) + 1, 1)"
    return or_null(f"INSERT(INSERT(LEFT({digest}, 32), 13, 1, '5'), 17, 1, {variant})")


def line(cells: Sequence[str]) -> str:
    """Return the line of these cells, with its newline."""
    joined = ", '\t', ".join(cells)
    return f"CONCAT({joined}, '\n')"
