"""Cells as the SQL of MariaDB and MySQL makes them: ``concat`` of what is never NULL.

The session has ``time_zone`` +00:00 and reads no backslashes in literals. Doubles and JSON are left to Python: their text is the
server's own, and no function of it gives another.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from caravan.migration.verify.float_bits import bits_of, double_of
from caravan.migration.verify.pairs.cells import counted
from caravan.migration.verify.pairs.json_texts import json_of_text
from caravan.migration.verify.pairs.kinds import Agreed, StoredColumn
from caravan.migration.verify.pairs.literals import number, quoted_text
from caravan.migration.verify.pairs.moment_texts import instant_of
from caravan.migration.verify.stores.dialect import Text

__all__ = ["literal", "quoted", "row", "text"]

_UTC: Final = frozenset({"UTC", "Etc/UTC", "GMT", "+00:00"})


def quoted(name: str) -> str:
    """Return a name as SQL."""
    return "`" + name.replace("`", "``") + "`"


def row(pairs: Sequence[tuple[Agreed, StoredColumn]]) -> str:
    """Return the expression of these columns' cells, one after the other."""
    return f"concat({', '.join(part for column, own in pairs for part in _arguments(column, own))})"


def literal(column: Agreed, value: str) -> str:
    """Return a key's text as a literal."""
    if column.kind in ("integer", "decimal"):
        return number(value)
    if column.kind == "float":
        return repr(double_of(value))
    if column.kind == "bytes":
        return f"x{quoted_text(value.removeprefix('x'))}"
    return quoted_text(value)


def text(column: Agreed, own: StoredColumn) -> Text:
    """Return how the text of a cell is had."""
    name = quoted(own.name)
    match column.kind:
        case "float":
            return Text(f"CAST({name} AS DOUBLE)", lambda value: bits_of(float(value)))
        case "json":
            return Text(name, json_of_text)
        case "instant" if own.kind == "moment" and column.zone not in _UTC:
            return Text(_trimmed(name, own), _in_zone(column.zone))
        case _:
            return Text(_expression(column, own, name))


def _arguments(column: Agreed, own: StoredColumn) -> tuple[str, ...]:
    value = text(column, own).expression
    if counted(column.kind):
        if own.nullable:
            return (f"ifnull(length({value}), '')", "':'", f"ifnull({value}, '')")
        return (f"length({value})", "':'", value)
    return (f"ifnull({value}, '')", "';'") if own.nullable else (value, "';'")


def _expression(column: Agreed, own: StoredColumn, name: str) -> str:  # noqa: PLR0911 - a table of kinds
    match column.kind:
        case "integer":
            return f"({name} + 0)" if own.declared == "bit" else name
        case "boolean":
            bit = f"({name} + 0)" if own.declared == "bit" else name
            return f"CASE {bit} WHEN 1 THEN 't' WHEN 0 THEN 'f' ELSE {bit} END"
        case "decimal":
            return _decimal(column, own, name)
        case "text":
            return f"CONVERT({name} USING utf8mb4)" if own.recoded else name
        case "uuid":
            return _uuid(own, name)
        case "bytes":
            return f"concat('x', lower(hex({name})))"
        case "instant":
            return f"concat({_trimmed(name, own)}, '+00')"
        case "moment" | "time":
            return _trimmed(name, own)
        case _:
            return name


def _trimmed(name: str, own: StoredColumn) -> str:
    return (
        f"trim(TRAILING '.' FROM trim(TRAILING '0' FROM {name}))" if own.digits else f"CAST({name} AS CHAR)"
    )


def _decimal(column: Agreed, own: StoredColumn, name: str) -> str:
    scale = 0 if own.kind == "integer" else own.scale or 0
    if column.scale is None:
        return f"trim(TRAILING '.' FROM trim(TRAILING '0' FROM {name}))" if scale else name
    if scale == column.scale:
        return name
    zeros = "0" * (column.scale - scale)
    return f"concat({name}, '{zeros}')" if scale else f"concat({name}, '.{zeros}')"


def _uuid(own: StoredColumn, name: str) -> str:
    if own.kind == "bytes":
        digits = f"lower(hex({name}))"
        parts = ", ".join(
            f"substr({digits}, {start}, {size})"
            for start, size in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        )
        return f"CASE length({name}) WHEN 16 THEN concat_ws('-', {parts}) ELSE concat('?', {digits}) END"
    return f"lower({name})" if own.kind == "text" else f"CAST({name} AS CHAR)"


def _in_zone(zone: str) -> Callable[[Any], str]:
    return lambda value: instant_of(value, zone)
