"""Triggers that note which request of the platform changes which table: there only while a probe is on.

The platform puts id, method and path of the request in hand into a setting of its transaction (``caravan.request``); gateways send
the id on as ``X-Request-ID``. What is written outside of a request, or without a tenant, is not noted.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from caravan.core.clock import Clock, utc_now
from caravan.core.database import DatabaseAddress, Role
from caravan.migration.conductor.route_finder import RouteFinder
from caravan.migration.config import MigrationConfig
from caravan.migration.cutover.errors import NotObservableError
from caravan.migration.cutover.observed_units import Operation, Use
from caravan.migration.cutover.observing.table_uses import note_uses
from caravan.migration.exchange import Request
from caravan.migration.units import Scope

__all__ = ["collect", "observe_off", "observe_on"]

_WAIT: Final = "-c lock_timeout=2s -c TimeZone=UTC"
_TRANSITIONS: Final = {"insert": "NEW", "update": "NEW", "delete": "OLD"}
_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION engine.note_request_use() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked text := current_setting('caravan.request', true);
    tenant text := current_setting('caravan.org', true);
    named text := split_part(asked, ' ', 1);
    method text := split_part(asked, ' ', 2);
BEGIN
    IF tenant <> '' AND EXISTS (SELECT 1 FROM changed_rows) THEN
        INSERT INTO engine.request_notes (org_id, request, table_name, operation, method, path)
        VALUES (tenant::uuid, named, TG_TABLE_NAME, lower(TG_OP), method, substr(asked, length(named) + length(method) + 3))
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$
"""
_OF_TENANTS: Final = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY c.relname
"""
_OBSERVED: Final = """
SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = to_regprocedure('engine.note_request_use()') ORDER BY 1
"""
_TAKE: Final = "DELETE FROM engine.request_notes WHERE org_id = %(org)s RETURNING request, method, path, table_name, operation"
_BOOKS: Final = frozenset(
    (
        *("audit_entries", "audit_seals", "idempotency_keys", "inbox", "outbox", "heartbeats"),
        *("job_output", "job_slots", "job_queues", "kept_messages"),
    )
)
"""The platform's own books, which every write fills and no other side has: they would join all routes into one unit."""


def observe_on(address: DatabaseAddress, tables: Sequence[str] = ()) -> list[str]:
    """Have requests noted that change these tables, all of tenants when none is named; returns all that are noted.

    One table after the other, each waiting 2 s at most for its writers to end.

    Raises:
        NotObservableError: a table is not there, or is of no tenant.
        psycopg.errors.LockNotAvailable: a table was written to all the time; what was done stays, so run it again.
    """
    with _owner(address) as connection:
        known = [str(name) for (name,) in connection.execute(_OF_TENANTS)]
        if unknown := sorted(set(tables) - set(known)):
            raise NotObservableError(f"Not a table of tenants: {', '.join(unknown)}.")
        connection.execute(_FUNCTION)
        for table in tables or [name for name in known if name not in _BOOKS]:
            with connection.transaction():
                for statement in _trigger_statements(table):
                    connection.execute(statement)
        return _observed(connection)


def observe_off(address: DatabaseAddress) -> list[str]:
    """Remove the triggers; returns the tables that had one. What they noted stays until it is collected."""
    with _owner(address) as connection:
        tables = _observed(connection)
        for table in tables:
            with connection.transaction():
                for operation in _TRANSITIONS:
                    drop = sql.SQL("DROP TRIGGER IF EXISTS {} ON {}")
                    connection.execute(drop.format(_name(operation), sql.Identifier(table)))
        connection.execute("DROP FUNCTION IF EXISTS engine.note_request_use()")
        return tables


def collect(
    connection: psycopg.Connection, scope: Scope, config: MigrationConfig, clock: Clock = utc_now
) -> tuple[list[Use], list[str]]:
    """Take what triggers have noted as uses of the file's routes; returns them, and requests of no route of the file."""
    uses: list[Use] = []
    unknown: set[str] = set()
    with connection.transaction():
        rows = connection.execute(_TAKE, scope.parameters).fetchall()
        for use, asked in _routed(config, rows):
            if use is None:
                unknown.add(asked)
            else:
                uses.append(use)
        note_uses(connection, scope, uses, "triggers", clock())
    return uses, sorted(unknown)


def _routed(
    config: MigrationConfig, rows: Iterable[tuple[str, str, str, str, Operation]]
) -> Iterator[tuple[Use | None, str]]:
    """Name the route of each note as the gateway would: its target lies below the path of the new side's address."""
    finder = RouteFinder(config)
    base = urlsplit(config.new.base_url).path.rstrip("/") if config.new else ""
    for request, method, path, table, operation in rows:
        found = finder.find(Request(method, quote(path.removeprefix(base), safe="/:@!$&'()*+,;=~")))
        yield None if found is None else Use(request, found[0], table, operation), f"{method} {path}"


def _observed(connection: psycopg.Connection) -> list[str]:
    return [str(table) for (table,) in connection.execute(_OBSERVED)]


def _trigger_statements(table: str) -> Iterator[sql.Composed]:
    for operation, rows in _TRANSITIONS.items():
        yield sql.SQL(
            "CREATE OR REPLACE TRIGGER {name} AFTER {operation} ON {table} REFERENCING {rows} TABLE AS changed_rows"
            " FOR EACH STATEMENT WHEN (current_setting('caravan.request', true) <> '')"
            " EXECUTE FUNCTION engine.note_request_use()"
        ).format(
            name=_name(operation),
            operation=sql.SQL(operation),
            table=sql.Identifier(table),
            rows=sql.SQL(rows),
        )


def _name(operation: str) -> sql.Identifier:
    return sql.Identifier(f"caravan_observe_{operation}")


def _owner(address: DatabaseAddress) -> psycopg.Connection:
    url = address.libpq(Role.OWNER, application="caravan observe")
    return psycopg.connect(url, autocommit=True, options=f"{_WAIT} -c role={Role.OWNER}")
