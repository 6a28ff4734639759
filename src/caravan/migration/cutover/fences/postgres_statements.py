"""What a fence of PostgreSQL is made of, and how it is looked for."""

from collections.abc import Iterator
from typing import Final, TypeAlias

from psycopg import sql

from caravan.migration.cutover.fences.names import APPLIER_SETTING, said

__all__ = [
    "FUNCTIONS",
    "OLD_TRANSACTIONS",
    "RELATIONS",
    "ROWS",
    "TRIGGERS",
    "TRUNCATE",
    "WRITERS",
    "Trigger",
    "create_trigger",
    "drop_function",
    "drop_trigger",
    "let_pass",
    "refuse",
]

Trigger: TypeAlias = tuple[str, str, str]
"""Name, schema, table."""

ROWS: Final = "_rows"
TRUNCATE: Final = "_truncate"

RELATIONS: Final = b"""
SELECT DISTINCT n.nspname, c.relname, c.relispartition FROM unnest(%s::regclass[]) AS t(oid)
CROSS JOIN LATERAL (SELECT relid FROM pg_partition_tree(t.oid) UNION SELECT t.oid) AS p
JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') ORDER BY 1, 2
"""
TRIGGERS: Final = b"""
SELECT t.tgname, n.nspname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgname LIKE %s AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgparentid = 0
"""
FUNCTIONS: Final = b"""
SELECT p.proname, n.nspname, p.prosrc LIKE '%%RAISE EXCEPTION%%' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname LIKE %s
"""
OLD_TRANSACTIONS: Final = b"""
SELECT DISTINCT coalesce(a.usename::text, ''), coalesce(a.application_name, ''), a.pid, a.xact_start, left(a.query, 80)
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    AND l.relation = ANY (%s::regclass[]::oid[]) AND l.pid IS DISTINCT FROM pg_backend_pid()
    AND (%s::timestamptz IS NULL OR a.xact_start IS NULL OR a.xact_start < %s)
"""
WRITERS: Final = b"""
SELECT a.usename::text, a.application_name, count(*), max(host(a.client_addr)) FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
    AND a.application_name NOT LIKE 'caravan %%'
    AND EXISTS (SELECT 1 FROM unnest(%s::regclass[]) AS t(oid) WHERE has_table_privilege(a.usesysid, t.oid, 'INSERT')
        OR has_table_privilege(a.usesysid, t.oid, 'UPDATE') OR has_table_privilege(a.usesysid, t.oid, 'DELETE'))
GROUP BY 1, 2 ORDER BY 1, 2
"""


def refuse(schema: str, function: str) -> sql.Composed:
    """Make the function of a fence refuse. Its arguments: a column and its value ('' for all rows), what a writer is told."""
    return sql.SQL("""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $fence$
BEGIN
    IF coalesce(current_setting({setting}, true), '') <> ''
        OR (TG_LEVEL = 'ROW' AND TG_ARGV[0] <> ''
            AND (TG_OP = 'INSERT' OR to_jsonb(OLD) ->> TG_ARGV[0] IS DISTINCT FROM TG_ARGV[1])
            AND (TG_OP = 'DELETE' OR to_jsonb(NEW) ->> TG_ARGV[0] IS DISTINCT FROM TG_ARGV[1])) THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '%', TG_ARGV[2] USING ERRCODE = 'read_only_sql_transaction';
END
$fence$""").format(name=sql.Identifier(schema, function), setting=sql.Literal(APPLIER_SETTING))


def let_pass(schema: str, function: str) -> sql.Composed:
    """Make the function of a fence let everybody pass: at once, and without a lock on the tables."""
    return sql.SQL("""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $fence$
BEGIN
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END
$fence$""").format(name=sql.Identifier(schema, function))


def create_trigger(trigger: Trigger, function: str, only: tuple[str, str] | None) -> Iterator[sql.Composed]:
    """Yield the statements of one trigger. An ALWAYS one: sessions in the role of a replica meet it too."""
    name, schema, table = trigger
    rows = name.endswith(ROWS)
    column, value = only or ("", "")
    yield sql.SQL(
        "CREATE TRIGGER {name} BEFORE {events} ON {table} FOR EACH {each} EXECUTE FUNCTION {function}({column}, {value}, {said})"
    ).format(
        name=sql.Identifier(name),
        events=sql.SQL("INSERT OR UPDATE OR DELETE" if rows else "TRUNCATE"),
        table=sql.Identifier(schema, table),
        each=sql.SQL("ROW" if rows else "STATEMENT"),
        function=sql.Identifier(schema, function),
        column=sql.Literal(column),
        value=sql.Literal(value),
        said=sql.Literal(said(f"{schema}.{table}")),
    )
    yield sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(
        sql.Identifier(schema, table), sql.Identifier(name)
    )


def drop_trigger(trigger: Trigger) -> sql.Composed:
    """Return what removes a trigger; needs a lock that readers hold up."""
    name, schema, table = trigger
    return sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(
        sql.Identifier(name), sql.Identifier(schema, table)
    )


def drop_function(schema: str, function: str) -> sql.Composed:
    """Return what removes a function that no trigger uses any more."""
    return sql.SQL("DROP FUNCTION IF EXISTS {}()").format(sql.Identifier(schema, function))
