"""What a logical slot needs of a server and of its tables, asked before anything is made."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg

from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.load.readers import SourceTable
from caravan.migration.load.readers.postgres import name_of
from caravan.migration.load.readers.postgres_schema import described_tables, quoted

__all__ = ["chosen_tables", "full_name", "identity_statements", "obstacles"]

_OLDEST: Final = 140_000
"""PostgreSQL 14 is the first whose pgoutput passes logical messages on, which carry our tags."""

# Of each table: its replica identity, and the columns of the index that it names.
_IDENTITIES: Final = """
SELECT c.relreplident::text, ARRAY(
    SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
    WHERE i.indrelid = c.oid AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""


def full_name(table: SourceTable) -> str:
    """Return the table as SQL."""
    return f"{quoted(table.schema)}.{quoted(table.name)}"


def chosen_tables(
    connection: psycopg.Connection[Any], names: Sequence[str], place: str
) -> dict[str, SourceTable]:
    """Return the tables by the name that the reader gives them.

    Raises:
        CaptureRefusedError: a table is not there, or may not be read.
    """
    known = {name_of(table): table for table in described_tables(connection)}
    if missing := [name for name in names if name not in known]:
        raise CaptureRefusedError(
            f"{place} has no table {missing[0]!r} that this role may read; it has {', '.join(known)}"
        )
    return {name: known[name] for name in names}


def obstacles(connection: psycopg.Connection[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what keeps this role from using a slot here, each with the statements that would help."""
    if connection.info.server_version < _OLDEST:
        yield (
            f"PostgreSQL {connection.info.parameter_status('server_version')} is older than 14 and cannot tag changes in its log",
            (),
        )
    level, user, may = connection.execute(
        "SELECT current_setting('wal_level'), current_user,"
        " (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user)"
        # Amazon RDS gives the right by membership.
        " OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_replication' AND pg_has_role(oid, 'MEMBER'))"
    ).fetchone() or ("", "", False)
    if level != "logical":
        yield (
            f"the server runs with wal_level = {level}; a slot needs logical, and a restart of the server",
            ("ALTER SYSTEM SET wal_level = 'logical'",),
        )
    if not may:
        yield f"the role {user} may not use replication slots", (f"ALTER ROLE {quoted(user)} REPLICATION",)


def identity_statements(
    connection: psycopg.Connection[Any], tables: Mapping[str, SourceTable], options: CaptureOptions
) -> list[str]:
    """Return what gives tables whose log lines would not tell the key an identity.

    Raises:
        CaptureRefusedError: there is such a table, and the options do not allow to change it. Publishing it as it is would make
            every UPDATE and DELETE of the application fail.
    """
    unfit = {}
    for name, table in tables.items():
        kind, columns = connection.execute(_IDENTITIES, (table.schema, table.name)).fetchone() or ("n", [])
        wanted = options.keys.get(name, table.key)
        if kind != "f" and not (wanted and set(wanted) <= set(columns)):
            unfit[name] = f"ALTER TABLE {full_name(table)} REPLICA IDENTITY FULL"
    if unfit and options.identity != "full":
        raise CaptureRefusedError.because(
            f"table {', '.join(unfit)}: the log would not tell which row an UPDATE or DELETE meant",
            *unfit.values(),
        )
    return list(unfit.values())
