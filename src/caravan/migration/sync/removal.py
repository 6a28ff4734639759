"""Records that the source has no more: their rows go, children with them; what refers to them waits, should they come back."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.row_versions import marks_of
from caravan.migration.mapping.contract import Reference, TargetTable
from caravan.migration.sync.prepared import FLOW_CHUNK
from caravan.migration.verify import qualified

__all__ = ["Referrer", "clear_quarantine", "forget_records", "referrers_of", "remove"]

_WAIT: Final = """
INSERT INTO engine.dangling_references (org_id, migration, data_set, chunk, table_name, row_id, column_name, record_id,
    target_table, wanted_id, source, tag, key)
SELECT %(org)s, %(migration)s, own.data_set, {chunk}, {name}, t.id, {column_name}, t.{owner}, {target}, t.{column}, {source},
    gone.tag, gone.key
FROM {table} t
JOIN engine.legacy_keys own ON own.org_id = t.org_id AND own.row_id = t.{owner} AND own.migration = %(migration)s
JOIN engine.legacy_keys gone ON gone.org_id = t.org_id AND gone.row_id = t.{column}
WHERE t.org_id = %(org)s AND t.{column} = ANY(%(gone)s) AND NOT t.{owner} = ANY(%(gone)s)
ON CONFLICT (org_id, table_name, row_id, column_name) DO UPDATE SET wanted_id = excluded.wanted_id, tag = excluded.tag,
    key = excluded.key, target_table = excluded.target_table
RETURNING row_id
"""
_EMPTY: Final = (
    "UPDATE {table} t SET {column} = NULL{marks} WHERE t.org_id = %(org)s AND t.id = ANY(%(waiting)s)"
)
_DANGLING: Final = (
    "DELETE FROM engine.dangling_references WHERE org_id = %(org)s AND record_id = ANY(%(rows)s)"
)
_QUARANTINE: Final = (
    "DELETE FROM engine.quarantine WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s"
    " AND row_id = ANY(%(rows)s)"
)
_FINDINGS: Final = (
    "DELETE FROM engine.findings f USING engine.legacy_keys k WHERE f.org_id = %(org)s AND f.migration = %(migration)s"
    " AND f.data_set = %(data_set)s AND f.chunk IS NOT NULL AND k.org_id = f.org_id AND k.migration = f.migration"
    " AND k.data_set = f.data_set AND k.key = f.key AND k.row_id = ANY(%(rows)s)"
)
_KEYS: Final = "DELETE FROM engine.legacy_keys WHERE org_id = %(org)s AND row_id = ANY(%(rows)s)"


class Referrer:
    """A column of some data set's table that refers to rows of ours."""

    def __init__(self, table: TargetTable, reference: Reference) -> None:
        self._table, self._reference = table, reference

    def let_go(self, cursor: psycopg.Cursor[Any], scope: Mapping[str, Any], gone: Sequence[UUID]) -> None:
        """Empty the column where it refers to rows that go, and remember what it wants.

        Only in imported rows: one of the platform's own that refers to an imported row keeps that row where it is.
        """
        table, reference = self._table, self._reference
        named = {
            "table": qualified(table.name),
            "column": sql.Identifier(reference.column),
            "owner": sql.Identifier(table.parent or "id"),
        }
        statement = sql.SQL(_WAIT).format(
            chunk=sql.Literal(FLOW_CHUNK),
            name=sql.Literal(table.name),
            column_name=sql.Literal(reference.column),
            target=sql.Literal(reference.table),
            source=sql.Literal(reference.source),
            **named,
        )
        cursor.execute(statement, {**scope, "gone": gone})
        waiting = [row[0] for row in cursor.fetchall()]
        if waiting:
            emptied = sql.SQL(_EMPTY).format(marks=marks_of(cursor, table), **named)
            cursor.execute(emptied, {**scope, "waiting": waiting})


def referrers_of(data_set: PlannedDataSet, tables: Collection[TargetTable]) -> list[Referrer]:
    """Return who refers to the records of a data set, among all tables of the migration."""
    own = data_set.mapping.tables[0].name
    return [
        Referrer(table, reference)
        for table in tables
        for reference in table.references
        if reference.table == own
    ]


def clear_quarantine(cursor: psycopg.Cursor[Any], scope: Mapping[str, Any], rows: Sequence[UUID]) -> None:
    """Take these records out of the quarantine: something newer is known of them."""
    cursor.execute(_QUARANTINE, {**scope, "rows": rows})


def forget_records(cursor: psycopg.Cursor[Any], scope: Mapping[str, Any], rows: Sequence[UUID]) -> None:
    """Remove what earlier versions of these records left beside their rows."""
    for statement in (_DANGLING, _QUARANTINE, _FINDINGS):
        cursor.execute(statement.encode(), {**scope, "rows": rows})


def remove(
    cursor: psycopg.Cursor[Any], data_set: PlannedDataSet, referrers: Sequence[Referrer], gone: Sequence[UUID]
) -> None:
    """Take the records out with all their rows, keys, and what stands beside them."""
    scope = data_set.scope
    for referrer in referrers:
        referrer.let_go(cursor, scope, gone)
    forget_records(cursor, scope, gone)
    for table in reversed(data_set.mapping.tables):
        statement = sql.SQL("DELETE FROM {} t WHERE t.org_id = %(org)s AND t.{} = ANY(%(rows)s)").format(
            qualified(table.name), sql.Identifier(table.parent or "id")
        )
        cursor.execute(statement, {**scope, "rows": gone})
    cursor.execute(_KEYS, {**scope, "rows": gone})
