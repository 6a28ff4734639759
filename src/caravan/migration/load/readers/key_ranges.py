"""Ranges of keys for reading side by side: cut at quantiles of the keys that are there, whatever their type.

The comparison of rows, ``(a, b) > (x, y)``, and window functions are understood by SQLite, MariaDB, MySQL and PostgreSQL
alike, so composite, text, uuid and negative keys need nothing of their own.
"""

from collections.abc import Sequence
from itertools import pairwise

from caravan.migration.load.readers.tables import KeyRange, SourceTable

__all__ = ["bounds_query", "condition", "only", "ranges_of"]


def bounds_query(table: SourceTable, literals: Sequence[str], source: str, parts: int) -> str | None:
    """Return the query for the last key of each part but the last; None where there is nothing to cut.

    ``literals`` are expressions that render each column of the order as a literal, ``source`` the table as SQL.
    """
    if not table.order or parts < 2 or not table.rows:  # noqa: PLR2004 - one part is the whole
        return None
    step = -(-table.rows // parts)
    order = ", ".join(table.order)
    inner = ", ".join(f"{literal} AS k{number}" for number, literal in enumerate(literals))
    outer = ", ".join(f"k{number}" for number in range(len(literals)))
    return (
        f"SELECT {outer} FROM (SELECT {inner}, row_number() OVER (ORDER BY {order}) AS n FROM {source}) AS q"  # noqa: S608 - quoted by the caller
        f" WHERE n % {step} = 0 AND n < {table.rows} ORDER BY n"
    )


def ranges_of(bounds: Sequence[tuple[str, ...]]) -> list[KeyRange]:
    """Return the ranges between the bounds, open at both ends."""
    edges = [None, *bounds, None]
    return [KeyRange(after, upto) for after, upto in pairwise(edges)]


def condition(table: SourceTable, within: KeyRange) -> str:
    """Return WHERE and ORDER BY of a range."""
    if not table.order:
        return ""
    return f"{only(table, within)} ORDER BY {', '.join(table.order)}"


def only(table: SourceTable, within: KeyRange) -> str:
    """Return WHERE of a range of a table that has an order; nothing where the range is open."""
    row = f"({', '.join(table.order)})" if len(table.order) > 1 else table.order[0]
    parts = [
        f"{row} {sign} {_row(bound)}"
        for sign, bound in ((">", within.after), ("<=", within.upto))
        if bound is not None
    ]
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def _row(bound: tuple[str, ...]) -> str:
    return f"({', '.join(bound)})" if len(bound) > 1 else bound[0]
