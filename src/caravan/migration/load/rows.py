"""From staging into the target tables: plain inserts for what is new, differences only for what was there."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from caravan.migration.load.references import MissingReference
from caravan.migration.load.staging import STAGED_KEYS, staged
from caravan.migration.mapping.contract import Column, TargetTable
from caravan.migration.verify import qualified

__all__ = ["insert", "upsert"]


def insert(
    cursor: psycopg.Cursor[Any], tables: Sequence[TargetTable], missing: Sequence[MissingReference]
) -> None:
    """Insert all staged rows; raises psycopg's UniqueViolation when one is there already."""
    for index, table in enumerate(tables):
        cursor.execute(_insert_statement(index, table, missing), _absent(index, missing))


def upsert(
    cursor: psycopg.Cursor[Any],
    org_id: UUID,
    tables: Sequence[TargetTable],
    missing: Sequence[MissingReference],
    marks: Sequence[sql.Composable],
) -> set[UUID]:
    """Bring the target tables to what is staged; returns the records of which any row changed.

    A row that changes gets the marks of its table, as ``marks_of`` tells them. Child rows that a record no longer has are deleted, the others keep their identity.
    """
    changed: set[UUID] = set()
    for table in reversed(tables):
        if table.parent is not None:
            cursor.execute(_delete_statement(table, sql.Identifier(table.parent)), (org_id,))
            changed.update(row[0] for row in cursor.fetchall())
    for index, table in enumerate(tables):
        owner = sql.Identifier(table.parent or "id")
        statement = _insert_statement(index, table, missing) + _update_clause(table, owner, marks[index])
        cursor.execute(statement, _absent(index, missing))
        changed.update(row[0] for row in cursor.fetchall())
    return changed


def _insert_statement(index: int, table: TargetTable, missing: Sequence[MissingReference]) -> sql.Composed:
    absent = {item.reference.column for item in missing if item.table == index}
    return sql.SQL("INSERT INTO {target} AS t ({columns}) SELECT {values} FROM {staged} s").format(
        target=qualified(table.name),
        columns=sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns),
        values=sql.SQL(", ").join(_value(column, absent=column.name in absent) for column in table.columns),
        staged=staged(table),
    )


def _value(column: Column, *, absent: bool) -> sql.Composable:
    value = sql.Identifier("s", column.name)
    if absent:
        return sql.SQL("CASE WHEN {value} = ANY({missing}) THEN NULL ELSE {value} END").format(
            value=value, missing=sql.Placeholder(column.name)
        )
    return sql.SQL("{}::jsonb").format(value) if column.type == "jsonb" else value


def _absent(index: int, missing: Sequence[MissingReference]) -> dict[str, list[UUID]]:
    return {item.reference.column: item.wanted for item in missing if item.table == index}


def _update_clause(table: TargetTable, owner: sql.Identifier, marks: sql.Composable) -> sql.Composed:
    columns = table.columns[2:]
    if not columns:
        return sql.SQL(" ON CONFLICT (org_id, id) DO NOTHING RETURNING t.{}").format(owner)
    return sql.SQL(
        " ON CONFLICT (org_id, id) DO UPDATE SET {changes}{marks} WHERE ({before}) IS DISTINCT FROM ({after}) RETURNING t.{owner}"
    ).format(
        changes=sql.SQL(", ").join(
            sql.SQL("{column} = excluded.{column}").format(column=sql.Identifier(column.name))
            for column in columns
        ),
        marks=marks,
        before=sql.SQL(", ").join(_compared("t", column) for column in columns),
        after=sql.SQL(", ").join(_compared("excluded", column) for column in columns),
        owner=owner,
    )


def _compared(side: str, column: Column) -> sql.Composable:
    value = sql.Identifier(side, column.name)
    # Equal jsonb may print differently (1.0 and 1.00), and its text is what is hashed.
    return sql.SQL("{}::text").format(value) if column.type == "jsonb" else value


def _delete_statement(table: TargetTable, owner: sql.Identifier) -> sql.Composed:
    return sql.SQL(
        "DELETE FROM {target} c USING {keys} k WHERE c.org_id = %s AND c.{owner} = k.row_id"
        " AND NOT EXISTS (SELECT 1 FROM {staged} s WHERE s.id = c.id) RETURNING c.{owner}"
    ).format(target=qualified(table.name), keys=STAGED_KEYS, staged=staged(table), owner=owner)
