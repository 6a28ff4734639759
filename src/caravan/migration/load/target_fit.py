"""Whether the target tables can take what a mapping fills, column by column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from caravan.migration.mapping.contract import Column, Mapping

__all__ = ["target_problems"]

_COLUMNS: Final = """
SELECT a.attname, t.typname, CASE WHEN t.typname = 'numeric' AND a.atttypmod > 0 THEN ((a.atttypmod - 4) & 2047) END,
    a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND a.attgenerated = '', a.attgenerated <> ''
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_FITTING: Final[dict[str, frozenset[str]]] = {
    "uuid": frozenset({"uuid"}),
    "text": frozenset({"text", "varchar", "bpchar", "citext"}),
    "numeric": frozenset({"numeric"}),
    "boolean": frozenset({"bool"}),
    "integer": frozenset({"int4", "int8"}),
    "bigint": frozenset({"int8"}),
    "double precision": frozenset({"float8"}),
    "timestamptz": frozenset({"timestamptz"}),
    "date": frozenset({"date"}),
    "jsonb": frozenset({"jsonb"}),
    "bytea": frozenset({"bytea"}),
}


@dataclass(frozen=True, slots=True)
class _Found:
    type: str
    scale: int | None
    needed: bool
    generated: bool


def target_problems(cursor: psycopg.Cursor[Any], mapping: Mapping) -> Iterator[str]:
    """Yield what a mapping asks of tables that they do not have, and what they ask that it does not fill."""
    for table in mapping.tables:
        found = _described(cursor, table.name)
        what = f"entity {mapping.entity}, target table {table.name}"
        if not found:
            yield f"{what}: there is no such table; make it (caravan db upgrade, or your own migration) or correct the name"
            continue
        yield from _table_problems(what, table.columns, found)


def _table_problems(what: str, columns: Sequence[Column], found: dict[str, _Found]) -> Iterator[str]:
    for column in columns:
        there = found.get(column.name)
        if there is None:
            yield f"{what}: there is no column {column.name}; the table has {', '.join(found)}"
        elif there.generated:
            yield f"{what}: the column {column.name} is generated and cannot be filled; take its field away"
        elif there.type not in _FITTING[column.type]:
            yield f"{what}: the column {column.name} is {there.type}, but the mapping gives {column.type}; choose another codec or column"
        elif there.scale is not None and (column.scale is None or column.scale > there.scale):
            gives = "any number of digits" if column.scale is None else f"{column.scale} digits"
            yield f"{what}: the column {column.name} keeps {there.scale} digits after the point, but the mapping gives {gives}"
    filled = {column.name for column in columns}
    missing = [name for name, there in found.items() if there.needed and name not in filled]
    if missing:
        yield f"{what}: {', '.join(missing)} may not be NULL and no field fills it; add a field with a default"


def _described(cursor: psycopg.Cursor[Any], table: str) -> dict[str, _Found]:
    cursor.execute(_COLUMNS, (table,))
    return {name: _Found(*rest) for name, *rest in cursor.fetchall()}
