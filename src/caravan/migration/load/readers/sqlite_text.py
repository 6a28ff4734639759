"""Values of SQLite as SQL of the text that COPY reads, and conditions of values that SQL does not say as the mapping would take them."""

from collections.abc import Callable, Sequence
from hashlib import sha1
from typing import Final

__all__ = [
    "ID_FUNCTION",
    "escaped",
    "id_cell",
    "id_function",
    "instant_text",
    "is_no_instant",
    "is_no_number",
    "is_no_text",
    "line",
    "number_text",
    "or_null",
]

ID_FUNCTION: Final = "caravan_id"
_ESCAPES: Final = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
_VARIANT: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
_MOST_ARGUMENTS: Final = 90
"""A function takes 127, in older builds 100; beyond that values are joined one by one, which is slower."""

_DIGITS: Final = "[0-9]"
_DAY: Final = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]"
_CLOCK: Final = "[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"


def escaped(expression: str) -> str:
    """Return text with what would end a value, a line or an escape told; most has nothing of it, and is looked at once."""
    text = expression
    for plain, told in _ESCAPES:
        text = f"replace({text}, '{plain}', '{told}')"
    return f"CASE WHEN {expression} GLOB '*[\\\t\n\r]*' THEN {text} ELSE {expression} END"


def or_null(expression: str) -> str:
    """Return the text, or what stands for NULL."""
    return f"ifnull({expression}, '\\N')"


def line(cells: Sequence[str]) -> str:
    """Return the line of these cells, with its newline; one call where the store takes so many, else piece by piece."""
    if len(cells) <= _MOST_ARGUMENTS:
        places = "\t".join(["%s"] * len(cells))
        return f"printf('{places}\n', {', '.join(cells)})"
    joined = " || '\t' || ".join(cells)
    return f"{joined} || '\n'"


def id_cell(namespace: bytes, prefix: str, expression: str) -> str:
    """Return the id of the record whose key the expression is, by the function that ``id_function`` makes."""
    head = f"{namespace.hex()}{prefix}".replace("'", "''")
    return or_null(f"{ID_FUNCTION}('{head}', {expression})")


def id_function() -> Callable[[str, object], str | None]:
    """Return what makes a UUIDv5 of a namespace (32 digits) with a prefix behind it and a key, as ``core.ids`` does, in 32 digits."""
    heads: dict[str, bytes] = {}

    def made(head: str, key: object) -> str | None:
        if key is None:
            return None
        begin = heads.get(head)
        if begin is None:
            begin = heads[head] = bytes.fromhex(head[:32]) + head[32:].encode()
        text = key if type(key) is bytes else str(key).encode("utf-8", "surrogateescape")
        digest = sha1(begin + text, usedforsecurity=False).hexdigest()
        return f"{digest[:12]}5{digest[13:16]}{_VARIANT[digest[16]]}{digest[17:32]}"

    return made


def is_no_text(column: str, *, digits: bool) -> str:
    """Return the condition of a value that is neither text without NUL nor NULL, nor (``digits``) an integer."""
    kinds = "('text', 'integer', 'null')" if digits else "('text', 'null')"
    return f"typeof({column}) NOT IN {kinds} OR instr({column}, char(0)) > 0"


def number_text(column: str) -> str:
    """Return a number as its shortest text: of a double that fifteen digits tell, these."""
    return f"CASE typeof({column}) WHEN 'real' THEN printf('%!.15g', {column}) ELSE {column} END"


def is_no_number(column: str) -> str:
    """Return the condition of a value whose shortest text is not what ``number_text`` says, or that is no plain number."""
    exact = f"CAST(printf('%!.15g', {column}) AS REAL) = {column}"
    plain = f"({column} = 0 OR abs({column}) BETWEEN 0.0001 AND 999999999999999.0)"
    return (
        f"CASE typeof({column}) WHEN 'null' THEN 0 WHEN 'integer' THEN 0 WHEN 'real' THEN NOT ({exact} AND {plain})"
        f" WHEN 'text' THEN {column} GLOB '*[^0-9.-]*' ELSE 1 END"
    )


def instant_text(column: str) -> str:
    """Return a date and time as it is written."""
    return column


def is_no_instant(column: str) -> str:
    """Return the condition of a value that is no date and time in full, without a zone; PostgreSQL refuses days that no calendar has."""
    tails = " ".join(
        f"WHEN {len('2024-05-01 10:00:00') + (1 + places if places else 0)} THEN {column} GLOB"
        f" '{_DAY}[ T]{_CLOCK}{'.' + _DIGITS * places if places else ''}'"
        for places in (0, 3, 6)
    )
    written = f"CASE length({column}) {tails} ELSE 0 END"
    return (
        f"{column} IS NOT NULL AND NOT ({written} AND typeof({column}) = 'text' AND substr({column}, 12, 2) < '24'"
        f" AND {column} > '0001')"
    )
