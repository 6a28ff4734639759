"""Keys as SQL: literals of each kind, and conditions of ranges that every store's index can serve."""

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from caravan.migration.verify.pairs.kinds import Agreed
from caravan.migration.verify.pairs.tables import Key, Range

__all__ = ["Literal", "any_of", "between", "quoted_text"]

Literal: TypeAlias = Callable[[Agreed, str], str]
"""From a key's column and the text of its cell to a literal of the store."""

_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")


def quoted_text(text: str) -> str:
    """Return text as a standard SQL literal; the session must not read backslashes."""
    return "'" + text.replace("'", "''") + "'"


def number(text: str) -> str:
    """Return a number as SQL.

    Raises:
        ValueError: it is none.
    """
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no number")
    return text


def between(columns: Sequence[Agreed], names: Sequence[str], within: Range, literal: Literal) -> str:
    """Return the condition of a range, beginning with WHERE; empty for all rows.

    ``(a, b) > (x, y)`` is written out, with the bound of ``a`` in front: MariaDB's optimiser reads a range from that alone.
    """
    parts = []
    for bound, sign in ((within.after, ">"), (within.upto, "<")):
        if bound is not None:
            values = [literal(column, text or "") for column, text in zip(columns, bound, strict=True)]
            parts.append(_beyond(names, values, sign, inclusive=sign == "<"))
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def any_of(columns: Sequence[Agreed], names: Sequence[str], keys: Sequence[Key], literal: Literal) -> str:
    """Return the condition, beginning with WHERE, of the rows with these keys."""
    if len(names) == 1 and all(key[0] is not None for key in keys):
        values = ", ".join(literal(columns[0], key[0] or "") for key in keys)
        return f" WHERE {names[0]} IN ({values})"
    return " WHERE " + " OR ".join(_equal(columns, names, key, literal) for key in keys)


def _beyond(names: Sequence[str], values: Sequence[str], sign: str, *, inclusive: bool) -> str:
    last = f"{sign}=" if inclusive else sign
    if len(names) == 1:
        return f"{names[0]} {last} {values[0]}"
    inner = _beyond(names[1:], values[1:], sign, inclusive=inclusive)
    return f"({names[0]} {sign}= {values[0]} AND ({names[0]} {sign} {values[0]} OR {inner}))"


def _equal(columns: Sequence[Agreed], names: Sequence[str], key: Key, literal: Literal) -> str:
    parts = [
        f"{name} IS NULL" if text is None else f"{name} = {literal(column, text)}"
        for column, name, text in zip(columns, names, key, strict=True)
    ]
    return f"({' AND '.join(parts)})"
