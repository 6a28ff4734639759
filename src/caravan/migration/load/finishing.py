"""After the chunks: what the source no longer has, references that have come, what only the whole can show."""

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg import sql

from caravan.migration.load.journal import Journal
from caravan.migration.load.packed_keys import unpack
from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.references import resolve
from caravan.migration.verify import qualified

__all__ = ["finish", "trim"]

_TRIM: Final = tuple(
    f"{action} WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s AND chunk >= %(chunks)s"
    for action in (
        "UPDATE engine.legacy_keys SET chunk = NULL",
        "DELETE FROM engine.quarantine",
        "DELETE FROM engine.findings",
        "DELETE FROM engine.dangling_references",
        "DELETE FROM engine.ledger",
    )
)

_PACKED_BEHIND: Final = (
    "SELECT 1 FROM engine.packed_keys WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s"
    " AND chunk >= %(chunks)s LIMIT 1"
)

_REFERENCES: Final = """
INSERT INTO engine.findings (org_id, id, migration, data_set, kind, key, field, detail)
SELECT %(org)s, gen_random_uuid(), %(migration)s, f.data_set, f.kind, f.key, f.source, f.detail FROM (
    SELECT DISTINCT d.data_set, d.record_id, d.wanted_id, d.target_table,
        CASE WHEN EXISTS (SELECT 1 FROM engine.quarantine q WHERE q.org_id = d.org_id AND q.row_id = d.wanted_id)
            THEN 'reference.quarantined' ELSE 'reference.missing' END AS kind,
        k.key, d.source, d.target_table || ' ' || d.key AS detail
    FROM engine.dangling_references d JOIN engine.legacy_keys k ON k.org_id = d.org_id AND k.row_id = d.record_id
    WHERE d.org_id = %(org)s AND d.migration = %(migration)s) f
"""

_REPEATED: Final = """
INSERT INTO engine.findings (org_id, id, migration, data_set, kind, key, field, detail)
SELECT %(org)s, gen_random_uuid(), %(migration)s, %(data_set)s, %(kind)s, r.key, %(field)s, r.value FROM (
    SELECT k.key, t.{column}::text AS value, row_number() OVER (PARTITION BY t.{column} ORDER BY k.ordinal) AS place
    FROM {table} t JOIN engine.legacy_keys k ON k.org_id = t.org_id AND k.row_id = t.id
    WHERE k.org_id = %(org)s AND k.migration = %(migration)s AND k.data_set = %(data_set)s
        AND k.chunk IS NOT NULL AND t.{column} IS NOT NULL) r
WHERE r.place > 1
"""

_CLOCKS: Final = """
DELETE FROM engine.quarantine_clock c WHERE c.org_id = %(org)s AND c.migration = %(migration)s AND NOT EXISTS (
    SELECT 1 FROM engine.quarantine q WHERE q.org_id = c.org_id AND q.migration = c.migration AND q.data_set = c.data_set
        AND coalesce(q.tag || ':' || q.key, '@' || q.byte_offset) = c.record)
"""


def trim(journal: Journal, data_set: PlannedDataSet, chunks: int) -> None:
    """Forget chunks that lie behind the end of the source; the rows of their records stay, without a chunk."""
    with journal.connection.transaction():
        if journal.connection.execute(
            _PACKED_BEHIND.encode(), {**data_set.scope, "chunks": chunks}
        ).fetchone():
            unpack(journal.connection, data_set.org_id, data_set.migration, data_set.name)
        for statement in _TRIM:
            journal.connection.execute(statement.encode(), {**data_set.scope, "chunks": chunks})


def finish(journal: Journal, plan: Plan) -> int:
    """Fill references, then write the findings of the whole anew, in one transaction; returns how many were filled.

    Records that are in quarantine no more are forgotten: one that comes back later starts its retention anew.
    """
    with journal.connection.transaction(), journal.connection.cursor() as cursor:
        tables = [table for data_set in plan.data_sets for table in data_set.mapping.tables]
        filled = resolve(cursor, journal.scope, tables)
        cursor.execute(
            "DELETE FROM engine.findings WHERE org_id = %(org)s AND migration = %(migration)s AND chunk IS NULL",
            journal.scope,
        )
        cursor.execute(_REFERENCES, journal.scope)
        for data_set in plan.data_sets:
            _write_repeated(cursor, data_set, data_set.scope)
        cursor.execute(_CLOCKS, journal.scope)
    return filled


def _write_repeated(cursor: psycopg.Cursor[Any], data_set: PlannedDataSet, scope: Mapping[str, Any]) -> None:
    table = data_set.mapping.tables[0]
    for column, source, kind in data_set.mapping.repeated:
        statement = sql.SQL(_REPEATED).format(column=sql.Identifier(column), table=qualified(table.name))
        cursor.execute(statement, {**scope, "kind": kind, "field": source})
