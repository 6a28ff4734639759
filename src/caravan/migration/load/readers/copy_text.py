"""Rows of ``COPY … TO STDOUT`` in text format: live, and in plain dumps.

https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
"""

import re
from collections.abc import Sequence
from typing import Final

from caravan.migration.load.readers.protocol import BrokenRecord, Record
from caravan.migration.load.readers.rows import OddValueError, Parse, RowMaker
from caravan.migration.load.readers.rules import Rules

__all__ = ["copied_row", "text_then"]

_ESCAPE: Final = re.compile(rb"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def copied_row(maker: RowMaker, ordinal: int, offset: int, line: bytes) -> Record | BrokenRecord:
    """Return the record of a line without its line end."""
    return maker.record(ordinal, offset, fields_of(line))


def fields_of(line: bytes) -> Sequence[bytes | None]:
    """Return the bytes of each field; a table without columns has an empty line."""
    if not line:
        return (b"",)
    fields = line.split(b"\t")
    if b"\\" not in line:
        return fields
    return [None if field == b"\\N" else _ESCAPE.sub(_meant, field) for field in fields]


def _meant(escape: re.Match[bytes]) -> bytes:
    body = escape[1]
    if body[:1] == b"x" and len(body) > 1:
        return bytes((int(body[1:], 16),))
    if body.isdigit() and body < b"8":
        return bytes((int(body, 8) & 0xFF,))
    return _LETTERS.get(body, body)


def text_then(parse: Parse, encoding: str, rules: Rules) -> Parse:
    """Return what decodes the bytes of a field and hands the text on."""

    def decoded(raw: bytes) -> object:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            if rules.invalid_text == "bytes":
                return raw
            raise OddValueError("text.invalid", f"the bytes of this text are not {encoding}") from None
        return parse(text)

    return decoded
