"""The encoding of rows for tables of two stores: each store's SQL makes these bytes, and Python where a store cannot.

Both sides have agreed on one kind per column before, so a cell needs no tag. It tells where it ends, so that a row can be read in
one way only: text and JSON are ``length in bytes ':' text``, every other kind (never empty, never with a semicolon) ``text ';'``.
NULL is the end alone, ``:`` or ``;``. A row is its cells, a chunk its rows in the order of the key.

=======  ===========================================================================================
kind     text
=======  ===========================================================================================
integer  decimal digits
decimal  all digits of the agreed scale; without one no trailing zero
float    16 hexadecimal digits of its bits (``float_bits``)
boolean  t or f
uuid     36 characters, small letters
instant  ``2024-02-29 10:00:00.5+00``, UTC, no trailing zero
moment   ``2024-02-29 10:00:00.5``
date     ``2024-02-29``
time     ``10:00:00.5``
bytes    x and hexadecimal digits
json     PostgreSQL's text of jsonb
=======  ===========================================================================================

A value that is none of its kind (SQLite stores any value in any column) is ``?`` and its bytes in hexadecimal digits.
"""

from collections.abc import Sequence
from typing import Final

from caravan.migration.verify.float_bits import double_of
from caravan.migration.verify.pairs.kinds import Agreed, Kind

__all__ = ["cell", "counted", "odd", "readable", "texts_of"]

_COUNTED: Final[frozenset[Kind]] = frozenset({"text", "json"})


def counted(kind: Kind) -> bool:
    """Tell whether cells of this kind begin with their length."""
    return kind in _COUNTED


def cell(kind: Kind, text: str | None) -> str:
    """Return the cell of a value's text."""
    if kind not in _COUNTED:
        return f"{text};" if text is not None else ";"
    if text is None:
        return ":"
    return f"{len(text) if text.isascii() else len(text.encode())}:{text}"


def odd(value: object) -> str:
    """Return the text of a value that is none of its kind."""
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    return f"?{raw.hex()}"


def readable(kind: Kind, text: str | None) -> str | None:
    """Return the text as people read it: a double as a number."""
    if kind != "float" or text is None or text.startswith("?"):
        return text
    return repr(double_of(text))


def texts_of(columns: Sequence[Agreed], cells: str) -> tuple[str | None, ...]:
    """Return the texts of the cells of a row: the inverse of ``cell``, one after the other.

    Raises:
        ValueError: these are no cells of such columns.
    """
    raw = cells.encode()
    texts: list[str | None] = []
    place = 0
    for column in columns:
        if counted(column.kind):
            end = raw.index(b":", place)
            stop = end + 1 + int(raw[place:end] or b"0")
            texts.append(raw[end + 1 : stop].decode() if end > place else None)
            place = stop
        else:
            end = raw.index(b";", place)
            texts.append(raw[place:end].decode() if end > place else None)
            place = end + 1
    if place != len(raw):
        raise ValueError(f"{len(raw) - place} bytes behind the last cell")
    return tuple(texts)
