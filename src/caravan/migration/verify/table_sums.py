"""What PostgreSQL holds of each chunk, hashed by PostgreSQL: one grouped query per table."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from caravan.migration.mapping.contract import TargetTable
from caravan.migration.verify.encoding import MODULUS, TableSum
from caravan.migration.verify.sql_rendering import cell, lane, qualified, row_hash

__all__ = ["chunk_sums", "column_values", "dangling_columns", "imported_rows", "row_lanes"]

_HASH: Final = sql.Identifier("h")


def dangling_columns(connection: psycopg.Connection, scope: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the (table, column) pairs in which references are still empty."""
    rows = connection.execute(
        "SELECT DISTINCT table_name, column_name FROM engine.dangling_references"
        " WHERE org_id = %(org)s AND migration = %(migration)s",
        scope,
    )
    return {(row[0], row[1]) for row in rows}


def chunk_sums(
    connection: psycopg.Connection,
    table: TargetTable,
    scope: Mapping[str, Any],
    dangling: Collection[tuple[str, str]],
    *,
    chunks: tuple[int, int],
    records: Sequence[UUID] | None = None,
) -> dict[int, TableSum]:
    """Return the sums by chunk number, for chunks from the first to before the second of ``chunks``.

    ``records`` narrows them to the rows of these records.
    """
    only = sql.SQL("") if records is None else sql.SQL(" AND k.row_id = ANY(%(records)s)")
    statement = sql.SQL(
        # OFFSET 0 keeps the planner from hashing each row once per lane.
        "SELECT chunk, count(*), sum({a}), sum({b}) FROM (SELECT k.chunk, {hash} AS h {rows}"
        " AND k.chunk >= %(from)s AND k.chunk < %(to)s{only} OFFSET 0) hashed GROUP BY chunk"
    ).format(
        a=lane(_HASH, first=True),
        b=lane(_HASH, first=False),
        hash=row_hash([cell(column, value) for column, value in column_values(table, dangling)]),
        rows=imported_rows(table, dangling),
        only=only,
    )
    parameters = {**scope, "from": chunks[0], "to": chunks[1], "records": records}
    found = connection.execute(statement, parameters)
    return {row[0]: TableSum(row[1], int(row[2]) % MODULUS, int(row[3]) % MODULUS) for row in found}


def row_lanes(
    connection: psycopg.Connection,
    table: TargetTable,
    scope: Mapping[str, Any],
    dangling: Collection[tuple[str, str]],
    chunk: int,
) -> dict[bytes, list[str]]:
    """Return the encoded columns of each row of a chunk, by row id."""
    statement = sql.SQL("SELECT t.id, ARRAY[{cells}] {rows} AND k.chunk = %(chunk)s").format(
        cells=sql.SQL(", ").join(cell(column, value) for column, value in column_values(table, dangling)),
        rows=imported_rows(table, dangling),
    )
    return {row[0].bytes: row[1] for row in connection.execute(statement, {**scope, "chunk": chunk})}


def imported_rows(table: TargetTable, dangling: Collection[tuple[str, str]] = ()) -> sql.Composed:
    """Return FROM and WHERE of a data set's rows ``t`` with the keys ``k`` of their records."""
    joins = [
        sql.SQL(
            " LEFT JOIN engine.dangling_references {name} ON {name}.org_id = t.org_id AND {name}.row_id = t.id"
            " AND {name}.table_name = {table} AND {name}.column_name = {column}"
        ).format(name=_joined(column), table=sql.Literal(table.name), column=sql.Literal(column))
        for column in _empty(table, dangling)
    ]
    return sql.SQL(
        "FROM {table} t JOIN engine.legacy_keys k ON k.org_id = t.org_id AND k.row_id = t.{owner}{joins}"
        " WHERE k.org_id = %(org)s AND k.migration = %(migration)s AND k.data_set = %(data_set)s"
    ).format(
        table=qualified(table.name), owner=sql.Identifier(table.parent or "id"), joins=sql.SQL("").join(joins)
    )


def column_values(
    table: TargetTable, dangling: Collection[tuple[str, str]]
) -> list[tuple[Any, sql.Composable]]:
    """Each column as the source has it: a reference that is still empty counts as the id it waits for."""
    empty = _empty(table, dangling)
    return [
        (
            column,
            sql.SQL("coalesce(t.{}, {}.wanted_id)").format(sql.Identifier(column.name), _joined(column.name))
            if column.name in empty
            else sql.Identifier("t", column.name),
        )
        for column in table.columns
    ]


def _empty(table: TargetTable, dangling: Collection[tuple[str, str]]) -> list[str]:
    return [column.name for column in table.columns if (table.name, column.name) in dangling]


def _joined(column: str) -> sql.Identifier:
    return sql.Identifier(f"d_{column}")
