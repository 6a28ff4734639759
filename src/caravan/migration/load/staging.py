"""Rows go by binary COPY into temporary tables of the connection, which have no keys and no policies."""

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from typing import Final

import psycopg
from psycopg import sql

from caravan.migration.load.mapped_chunk import Loadable
from caravan.migration.mapping.contract import TargetTable

__all__ = ["STAGED_KEYS", "Staging", "staged"]

STAGED_KEYS: Final = sql.Identifier("pg_temp", "staged_keys")

_STAGE_TYPE: Final = {"jsonb": "text"}
"""Binary jsonb wants a version byte before each value; as text the bytes go through as they are, cast on the way on."""

_COPY_TYPE: Final = {
    "uuid": "bytea",
    "jsonb": "bytea",
    "boolean": "bool",
    "integer": "int4",
    "bigint": "int8",
    "double precision": "float8",
}
"""Binary COPY sends no types: the 16 bytes of a uuid and the bytes of a text are what their columns read."""


@cache
def staged(table: TargetTable) -> sql.Identifier:
    """Return the staging table of this table as this data set declares it: several data sets may be staged side by side."""
    return sql.Identifier("pg_temp", f"staged_{sha256(repr(table).encode()).hexdigest()[:16]}")


class Staging:
    """The staging tables of one data set on one connection; emptied by the end of each transaction."""

    def __init__(self, connection: psycopg.Connection, tables: Sequence[TargetTable]) -> None:
        self._connection = connection
        self._tables = tables

    def create(self) -> None:
        """Make the tables, in place of those of an earlier call."""
        statement = sql.SQL(
            "DROP TABLE IF EXISTS {name}; CREATE TEMP TABLE {name} ({columns}) ON COMMIT DELETE ROWS"
        )
        with self._connection.transaction():
            for table in self._tables:
                columns = sql.SQL(", ").join(
                    sql.Identifier(column.name)
                    + sql.SQL(" ")
                    + sql.SQL(_STAGE_TYPE.get(column.type, column.type))
                    for column in table.columns
                )
                self._connection.execute(statement.format(name=staged(table), columns=columns))
            keys = sql.SQL("row_id uuid, tag text, key text, ordinal bigint")
            self._connection.execute(statement.format(name=STAGED_KEYS, columns=keys))

    def copy(self, records: Sequence[Loadable]) -> None:
        """Send keys and rows of the records."""
        keys = ((item.mapped.id, item.mapped.tag, item.mapped.key, item.source.ordinal) for item in records)
        self._copy(STAGED_KEYS, ("bytea", "text", "text", "int8"), keys)
        for table in self._tables:
            name = table.name
            types = [_COPY_TYPE.get(column.type, column.type) for column in table.columns]
            rows = (row for item in records for row in item.mapped.rows.get(name, ()))
            self._copy(staged(table), types, rows)

    def clear(self) -> None:
        """Empty the tables within the transaction."""
        names = (STAGED_KEYS, *(staged(table) for table in self._tables))
        self._connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))

    def clear_keys(self) -> None:
        """Empty the table of keys alone, which the data sets of a connection share."""
        self._connection.execute(sql.SQL("DELETE FROM {}").format(STAGED_KEYS))

    def remove(self, row_ids: Sequence[object]) -> None:
        """Take these records out again."""
        self._connection.execute(
            sql.SQL("DELETE FROM {} WHERE row_id = ANY(%s)").format(STAGED_KEYS), (row_ids,)
        )
        for table in self._tables:
            statement = sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)")
            owner = sql.Identifier(table.parent or "id")
            self._connection.execute(statement.format(staged(table), owner), (row_ids,))

    def _copy(self, name: sql.Identifier, types: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
        with (
            self._connection.cursor() as cursor,
            cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(name)) as copy,
        ):
            copy.set_types(types)
            write = copy.write_row
            for row in rows:
                write(row)
