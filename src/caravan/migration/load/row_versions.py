"""Rows that the platform versions: what a change by a load leaves on them, so that whoever read the row before is told.

The engine knows no tables of the platform: it asks the catalog for a ``version`` that counts and an ``updated_at`` that
tells the time. A column that the mapping fills itself is the mapping's.
"""

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg import sql

from caravan.migration.mapping.contract import TargetTable
from caravan.migration.verify import qualified

__all__ = ["marks_of"]

_ASK: Final = (
    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND NOT attisdropped"
    " AND (attname, atttypid::regtype::text) IN (('version', 'integer'), ('version', 'bigint'),"
    " ('updated_at', 'timestamp with time zone'))"
)
_MARKS: Final[Mapping[str, sql.SQL]] = {
    "version": sql.SQL(", version = t.version + 1"),
    "updated_at": sql.SQL(", updated_at = now()"),
}


def marks_of(cursor: psycopg.Cursor[Any], table: TargetTable) -> sql.Composable:
    """Return what the SET list of an UPDATE of this table, there called ``t``, ends with; often nothing."""
    name = qualified(table.name).as_string(cursor)
    has = {row[0] for row in cursor.execute(_ASK, (name,)).fetchall()}
    has -= {column.name for column in table.columns}
    return sql.Composed([mark for column, mark in _MARKS.items() if column in has])
