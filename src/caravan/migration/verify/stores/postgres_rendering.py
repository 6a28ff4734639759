"""Cells as PostgreSQL's SQL makes them: ``concat`` writes every type through its output function and leaves NULL out.

The session has ``TimeZone`` UTC, ``DateStyle`` ISO and ``extra_float_digits`` 1.
"""

from collections.abc import Sequence
from typing import Final

from caravan.migration.verify.float_bits import double_of
from caravan.migration.verify.pairs.cells import counted
from caravan.migration.verify.pairs.kinds import Agreed, Kind, StoredColumn
from caravan.migration.verify.pairs.literals import number, quoted_text

__all__ = ["literal", "quoted", "renders", "row", "text"]

_MOST_ARGUMENTS: Final = 90
"""PostgreSQL takes a hundred."""

_CASTS: Final[dict[Kind, str]] = {
    "uuid": "uuid",
    "date": "date",
    "text": "text",
    "instant": "timestamptz",
    "moment": "timestamp",
    "time": "time",
    "boolean": "boolean",
    "json": "jsonb",
}


def quoted(name: str) -> str:
    """Return a name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def renders(column: Agreed, own: StoredColumn) -> bool:
    """Tell whether PostgreSQL makes the cell itself; only of text that should be JSON it does not."""
    return not (column.kind == "json" and own.kind == "text")


def row(columns: Sequence[tuple[Agreed, StoredColumn]]) -> str:
    """Return the expression of these columns' cells, one after the other."""
    arguments = [argument for column, own in columns for argument in _arguments(column, own)]
    if len(arguments) <= _MOST_ARGUMENTS:
        return f"concat({', '.join(arguments)})"
    parts = [arguments[at : at + _MOST_ARGUMENTS] for at in range(0, len(arguments), _MOST_ARGUMENTS)]
    return " || ".join(f"concat({', '.join(part)})" for part in parts)


def literal(column: Agreed, text: str) -> str:
    """Return a key's text as a literal."""
    if column.kind in ("integer", "decimal"):
        return number(text)
    if column.kind == "float":
        return f"'{double_of(text)!r}'::float8"
    if column.kind == "bytes":
        return f"{quoted_text(chr(92) + text)}::bytea"
    return f"{quoted_text(text)}::{_CASTS[column.kind]}"


def _arguments(column: Agreed, own: StoredColumn) -> tuple[str, ...]:
    value = text(column, own)
    return (f"octet_length({value})", "':'", value) if counted(column.kind) else (value, "';'")


def text(column: Agreed, own: StoredColumn) -> str:  # noqa: PLR0911 - a table of kinds
    """Return the expression that ``concat`` writes as the text of the cell."""
    name = quoted(own.name)
    match column.kind:
        case "decimal":
            return _decimal(column, own, name)
        case "float":
            return f"encode(float8send({name}::float8), 'hex')"
        case "boolean" if own.kind == "integer":
            return f"CASE {name} WHEN 1 THEN 't' WHEN 0 THEN 'f' ELSE {name}::text END"
        case "text":
            return name if own.declared == "text" else f"{name}::text"
        case "uuid":
            return _uuid(own, name)
        case "bytes":
            return f"'x' || encode({name}, 'hex')"
        case "instant" if own.kind == "moment":
            return f"{name} AT TIME ZONE {quoted_text(column.zone)}"
        case "json":
            return f"{name}::jsonb::text"
        case _:
            return name


def _decimal(column: Agreed, own: StoredColumn, name: str) -> str:
    if column.scale is None:
        return f"trim_scale({name}::numeric)"
    return (
        name
        if own.kind == "decimal" and own.scale == column.scale
        else f"round({name}::numeric, {column.scale})"
    )


def _uuid(own: StoredColumn, name: str) -> str:
    if own.kind == "text":
        return f"lower({name}::text)"
    if own.kind == "bytes":
        return (
            f"CASE octet_length({name}) WHEN 16 THEN encode({name}, 'hex')::uuid::text"
            f" ELSE '?' || encode({name}, 'hex') END"
        )
    return name
