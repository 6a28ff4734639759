"""What stands against undoing a load: rows that came later and depend on it, imported rows that were changed since."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from caravan.core.database.connection import DatabaseAddress
from caravan.migration.load.journal import Journal
from caravan.migration.load.planning import Plan
from caravan.migration.load.target_check import check_target
from caravan.migration.load.verification import explain
from caravan.migration.mapping.contract import TargetTable
from caravan.migration.verify import qualified

__all__ = ["changed_rows", "dependent_rows"]

_NAMED: Final = 10

_KEYS: Final = """
SELECT format('%%I.%%I', n.nspname, r.relname), c.conname,
    ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY u(num, place)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = u.num ORDER BY u.place),
    ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY u(num, place)
        JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = u.num ORDER BY u.place),
    c.conrelid
FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
WHERE c.contype = 'f' AND c.confrelid = %(table)s::regclass
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class _ForeignKey:
    table: sql.Identifier
    name: str
    columns: list[str]
    target_columns: list[str]
    oid: int


def dependent_rows(connection: psycopg.Connection, plan: Plan) -> Iterator[str]:
    """Yield a sentence per foreign key through which rows that were not imported refer to imported ones."""
    imported = defaultdict(list)
    for item in plan.data_sets:
        for table in item.mapping.tables:
            imported[_oid(connection, table)].append(table)
    for table in [table for tables in imported.values() for table in tables]:
        for key in _foreign_keys(connection, table):
            rows = _dependents(connection, plan, table, key, imported.get(key.oid, []))
            if rows:
                shown = ", ".join(rows[:_NAMED]) + (" …" if len(rows) > _NAMED else "")
                yield (
                    f"{len(rows)} rows of {key.table.as_string(None)} that were not imported refer to imported rows"
                    f" of {table.name} ({key.name}): {shown}"
                )


def changed_rows(address: DatabaseAddress, journal: Journal, plan: Plan, connections: int) -> Iterator[str]:
    """Yield a sentence per imported row that is no longer as it was loaded; per chunk where the source is gone."""
    mismatches = check_target(address, journal, plan, connections).mismatches
    for data_set in plan.data_sets:
        own = [item for item in mismatches if item.data_set == data_set.name]
        differences = explain(journal, plan, data_set, own) if own else []
        for difference in differences:
            column = f", column {difference.column}" if difference.column else ""
            yield (
                f"{difference.table} {difference.id} (legacy key {difference.key}{column}) was changed:"
                f" {difference.expected!r} was loaded, {difference.found!r} is there"
            )
        if not differences:
            for item in own:
                yield (
                    f"rows of {item.table} from chunk {item.chunk} of {item.data_set} were changed:"
                    f" {item.expected_rows} were loaded, {item.found_rows} are there"
                )


def _oid(connection: psycopg.Connection, table: TargetTable) -> int:
    row = connection.execute("SELECT %s::regclass::oid", (table.name,)).fetchone()
    return 0 if row is None else int(row[0])


def _foreign_keys(connection: psycopg.Connection, table: TargetTable) -> list[_ForeignKey]:
    rows: list[Any] = connection.execute(_KEYS, {"table": table.name}).fetchall()
    return [_ForeignKey(qualified(row[0].replace('"', "")), *row[1:]) for row in rows]


def _dependents(
    connection: psycopg.Connection,
    plan: Plan,
    table: TargetTable,
    key: _ForeignKey,
    imported: Sequence[TargetTable],
) -> list[str]:
    """Return the rows that refer to imported rows of ``table`` and are not imported themselves.

    ``imported`` is the referring table as each data set that fills it declares it: a row may hang on either's records.
    """
    is_imported = sql.SQL(" OR ").join(
        sql.SQL(
            "EXISTS (SELECT 1 FROM engine.legacy_keys own WHERE own.org_id = f.org_id AND own.row_id = f.{}"
            " AND own.migration = %(migration)s)"
        ).format(sql.Identifier(owner))
        for owner in sorted({filled.parent or "id" for filled in imported})
    )
    statement = sql.SQL(
        "SELECT to_jsonb(f) ->> 'id' FROM {referring} f JOIN {table} t ON {join}"
        " JOIN engine.legacy_keys k ON k.org_id = t.org_id AND k.row_id = t.{owner}"
        " WHERE k.org_id = %(org)s AND k.migration = %(migration)s AND NOT ({is_imported}) ORDER BY 1"
    ).format(
        referring=key.table,
        table=qualified(table.name),
        join=sql.SQL(" AND ").join(
            sql.SQL("f.{} = t.{}").format(sql.Identifier(mine), sql.Identifier(theirs))
            for mine, theirs in zip(key.columns, key.target_columns, strict=True)
        ),
        owner=sql.Identifier(table.parent or "id"),
        is_imported=is_imported if imported else sql.SQL("false"),
    )
    parameters = {"org": plan.org_id, "migration": plan.migration}
    return [row[0] or "a row without id" for row in connection.execute(statement, parameters)]
