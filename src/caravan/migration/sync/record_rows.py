"""Whole records as our tables hold them, every row of each, out of one snapshot: what a mapping inverts."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
from psycopg import sql

from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.mapping.contract import Column, TargetTable
from caravan.migration.verify import qualified

__all__ = ["RecordRows", "read_records"]

RecordRows: TypeAlias = dict[str, list[tuple[Any, ...]]]
"""By table; values in the order of its columns, as ``mapping.contract`` says what they are."""


def read_records(
    cursor: psycopg.Cursor[Any], data_set: PlannedDataSet, row_ids: Sequence[UUID]
) -> dict[UUID, RecordRows]:
    """Return the rows of those records that are there; the caller's transaction is the snapshot.

    A reference that was loaded as NULL because its row is missing is put back.
    """
    tables = data_set.mapping.tables
    found: dict[UUID, RecordRows] = {}
    for table in tables:
        for owner, row in _rows(cursor, data_set, table, row_ids):
            if table is tables[0]:
                found[owner] = {each.name: [] for each in tables}
            if owner in found:
                found[owner][table.name].append(row)
    return found


def _rows(
    cursor: psycopg.Cursor[Any], data_set: PlannedDataSet, table: TargetTable, row_ids: Sequence[UUID]
) -> list[tuple[UUID, tuple[Any, ...]]]:
    owner = sql.Identifier("t", table.parent or "id")
    statement = sql.SQL(
        "SELECT {owner}, t.id, {columns} FROM {table} t WHERE t.org_id = %(org)s AND {owner} = ANY(%(rows)s) ORDER BY t.id"
    ).format(
        owner=owner,
        columns=sql.SQL(", ").join(_selected(column) for column in table.columns),
        table=qualified(table.name),
    )
    cursor.execute(statement, {**data_set.scope, "rows": row_ids})
    rows = cursor.fetchall()
    waiting = _waiting(cursor, data_set, table, [row[1] for row in rows]) if table.references else {}
    return [(row[0], _normal(table, row[1], row[2:], waiting)) for row in rows]


def _selected(column: Column) -> sql.Composable:
    name = sql.Identifier("t", column.name)
    return sql.SQL("{}::text").format(name) if column.type == "jsonb" else name


def _waiting(
    cursor: psycopg.Cursor[Any], data_set: PlannedDataSet, table: TargetTable, row_ids: Sequence[UUID]
) -> dict[tuple[UUID, str], UUID]:
    cursor.execute(
        "SELECT row_id, column_name, wanted_id FROM engine.dangling_references"
        " WHERE org_id = %(org)s AND table_name = %(table)s AND row_id = ANY(%(rows)s)",
        {**data_set.scope, "table": table.name, "rows": row_ids},
    )
    return {(row_id, column): wanted for row_id, column, wanted in cursor.fetchall()}


def _normal(
    table: TargetTable, row_id: UUID, values: Sequence[Any], waiting: Mapping[tuple[UUID, str], UUID]
) -> tuple[Any, ...]:
    return tuple(
        _value(column, waiting.get((row_id, column.name)) if value is None else value)
        for column, value in zip(table.columns, values, strict=True)
    )


def _value(column: Column, value: Any) -> Any:  # noqa: ANN401 - any type of a column
    if value is None:
        return None
    if column.type == "uuid":
        return value.bytes
    if column.type == "jsonb":
        return value.encode()
    return bytes(value) if column.type == "bytea" else value
