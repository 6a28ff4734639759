"""Declared sums as queries, in the words of the store that is asked."""

from collections.abc import Callable, Sequence

from caravan.migration.config.invariants import Sum

__all__ = ["backticked", "double_quoted", "our_sum", "sum_query"]


def double_quoted(name: str) -> str:
    """Quote one name for PostgreSQL and SQLite."""
    return '"' + name.replace('"', '""') + '"'


def backticked(name: str) -> str:
    """Quote one name for MariaDB and MySQL."""
    return "`" + name.replace("`", "``") + "`"


def sum_query(declared: Sum, quoted: Callable[[str], str]) -> str:
    """Return the query: the columns of ``by``, how many rows, and their sum where a column is named."""
    return _query(declared, quoted, [f"({declared.where})"] if declared.where else [])


def our_sum(declared: Sum) -> str:
    """Return the query for our database, over the rows of the organisation ``%(org_id)s``; other percent signs are doubled."""
    where = [f"({declared.where})".replace("%", "%%")] if declared.where else []
    return _query(
        declared, lambda name: double_quoted(name).replace("%", "%%"), ["org_id = %(org_id)s", *where]
    )


def _query(declared: Sum, quoted: Callable[[str], str], conditions: Sequence[str]) -> str:
    by = [quoted(name) for name in declared.by]
    told = [*by, "count(*)", *([f"sum({quoted(declared.column)})"] if declared.column else [])]
    words = ["SELECT", ", ".join(told), "FROM", ".".join(quoted(part) for part in declared.table.split("."))]
    if conditions:
        words += ["WHERE", " AND ".join(conditions)]
    if by:
        words += ["GROUP BY", ", ".join(by)]
    return " ".join(words)
