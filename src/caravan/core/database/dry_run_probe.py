"""The triggers that note the rows of dry runs: there only while a migration compares writes, so that they cost nothing else.

A trigger with a transition table makes PostgreSQL keep each statement's rows, whatever its WHEN says; hence on and off.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import psycopg
from psycopg import sql

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.core.errors import CaravanError

__all__ = ["DryRunProbeError", "probe_off", "probe_on", "probed_tables"]

_KEPT_OUT: Final = frozenset(
    {
        # book-keeping of the platform, which no other side has
        *(
            "alembic_version",
            "audit_checkpoints",
            "audit_entries",
            "audit_seals",
            "dry_run_nonces",
            "heartbeats",
        ),
        *("idempotency_keys", "inbox", "job_output", "job_queues", "job_slots", "kept_messages", "outbox"),
        "scheduled_runs",
        # secrets
        *("api_keys", "invites", "login_attempts", "password_resets", "recovery_codes", "refresh_families"),
        *("refresh_tokens", "users"),
    }
)
_WAIT: Final = "-c lock_timeout=2s -c TimeZone=UTC"

_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION engine.note_dry_run_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('pg_temp.caravan_dry_run_rows') IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pg_temp.caravan_dry_run_rows SELECT TG_TABLE_NAME, engine.dry_run_key(to_jsonb(n), TG_ARGV), NULL, to_jsonb(n)
        FROM new_rows n;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pg_temp.caravan_dry_run_rows SELECT TG_TABLE_NAME, engine.dry_run_key(to_jsonb(o), TG_ARGV), to_jsonb(o), NULL
        FROM old_rows o;
    ELSE
        INSERT INTO pg_temp.caravan_dry_run_rows SELECT TG_TABLE_NAME, coalesce(n.key, o.key), o.row, n.row
        FROM (SELECT engine.dry_run_key(to_jsonb(t), TG_ARGV) AS key, to_jsonb(t) AS row FROM old_rows t) o
        FULL JOIN (SELECT engine.dry_run_key(to_jsonb(t), TG_ARGV) AS key, to_jsonb(t) AS row FROM new_rows t) n
        ON n.key = o.key;
    END IF;
    RETURN NULL;
END $$
"""
_KEY_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION engine.dry_run_key("row" jsonb, names text[]) RETURNS text LANGUAGE sql IMMUTABLE
RETURN (SELECT string_agg("row" ->> name, '/' ORDER BY place) FROM unnest(names) WITH ORDINALITY AS part(name, place))
"""
_KEYED: Final = """
SELECT c.relname, array_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum)), bool_or(a.attname = 'org_id')
FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' GROUP BY c.relname ORDER BY c.relname
"""
_PROBED: Final = """
SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = to_regprocedure('engine.note_dry_run_rows()')
ORDER BY 1
"""
_TRANSITIONS: Final = {
    "insert": "NEW TABLE AS new_rows",
    "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "OLD TABLE AS old_rows",
}


class DryRunProbeError(CaravanError):
    code = "dry_run_probe_invalid"
    status = 422
    title = "The rows of this table cannot be told"
    fix = "Name tables of commerce that have a primary key; secrets and the platform's own books are never told."
    exit_code = 2


def probe_on(address: DatabaseAddress, tables: Sequence[str] = ()) -> list[str]:
    """Have dry runs tell the rows of these tables, of all tables of tenants when none is named; returns all that are told.

    One table after the other, each waiting 2 s at most for its writers to end.

    Raises:
        DryRunProbeError: a table is not there, has no key, or is never told.
        psycopg.errors.LockNotAvailable: a table was written to all the time; what was done stays, so run it again.
    """
    with _owner(address) as connection:
        keys = {
            str(table): [name for name in columns if name != "org_id"] or list(columns)
            for table, columns, of_tenants in connection.execute(_KEYED)
            if table not in _KEPT_OUT and (of_tenants or table in tables)
        }
        if unknown := sorted(set(tables) - set(keys)):
            raise DryRunProbeError(f"Not a table whose rows can be told: {', '.join(unknown)}.")
        connection.execute(_KEY_FUNCTION)
        connection.execute(_FUNCTION)
        for table in tables or keys:
            with connection.transaction():
                for statement in _trigger_statements(table, keys[table]):
                    connection.execute(statement)
        return _probed(connection)


def probe_off(address: DatabaseAddress) -> list[str]:
    """Remove the triggers; returns the tables that had one. Dry runs go on and tell no rows."""
    with _owner(address) as connection:
        tables = _probed(connection)
        for table in tables:
            with connection.transaction():
                for operation in _TRANSITIONS:
                    statement = sql.SQL("DROP TRIGGER IF EXISTS {} ON {}")
                    connection.execute(statement.format(_name(operation), sql.Identifier(table)))
        connection.execute("DROP FUNCTION IF EXISTS engine.note_dry_run_rows()")
        connection.execute("DROP FUNCTION IF EXISTS engine.dry_run_key(jsonb, text[])")
        return tables


def probed_tables(address: DatabaseAddress) -> list[str]:
    """Return the tables whose rows dry runs tell."""
    with _owner(address) as connection:
        return _probed(connection)


def _probed(connection: psycopg.Connection) -> list[str]:
    return [str(table) for (table,) in connection.execute(_PROBED)]


def _trigger_statements(table: str, key: Sequence[str]) -> Iterator[sql.Composed]:
    for operation, transition in _TRANSITIONS.items():
        yield sql.SQL(
            "CREATE OR REPLACE TRIGGER {name} AFTER {operation} ON {table} REFERENCING {transition} FOR EACH STATEMENT"
            " WHEN (current_setting('caravan.dry_run', true) = 'on')"
            " EXECUTE FUNCTION engine.note_dry_run_rows({key})"
        ).format(
            name=_name(operation),
            operation=sql.SQL(operation),
            table=sql.Identifier(table),
            transition=sql.SQL(transition),
            key=sql.SQL(", ").join(sql.Literal(name) for name in key),
        )


def _name(operation: str) -> sql.Identifier:
    return sql.Identifier(f"caravan_dry_run_{operation}")


def _owner(address: DatabaseAddress) -> psycopg.Connection:
    url = address.libpq(Role.OWNER, application="caravan probe")
    return psycopg.connect(url, autocommit=True, options=f"{_WAIT} -c role={Role.OWNER}")
