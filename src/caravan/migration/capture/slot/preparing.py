"""Makes the publication and the slot, and takes them away again.

A slot is created when every transaction that was running then has ended; its consistent point is a position such that whoever
opens a snapshot after it sees all that was committed up to it. So a load may begin with any later snapshot: what the snapshot
holds beyond the position is told again by the log and changes nothing.
"""

from typing import Any, Final

import psycopg
from psycopg import sql

from caravan.migration.capture.changes import Position
from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.capture.slot.requirements import full_name, identity_statements, obstacles
from caravan.migration.capture.stores.postgres_connection import stopping
from caravan.migration.load.readers import SourceTable
from caravan.migration.load.readers.postgres_schema import quoted

__all__ = ["prepare_slot", "remove_slot", "slot_statements"]

_PATIENCE: Final = "SET lock_timeout = '5s'; SET statement_timeout = '60s'"
_RUNNING: Final = "SELECT pid, xact_start, query FROM pg_stat_activity ORDER BY xact_start"
_SLOT: Final = (
    "SELECT wal_status, (confirmed_flush_lsn - '0/0')::bigint FROM pg_replication_slots WHERE slot_name = %s"
)
_STORED_GENERATED: Final = 180_000
"""PostgreSQL 18 logs stored generated columns on demand."""


def slot_statements(
    connection: psycopg.Connection[Any], tables: dict[str, SourceTable], options: CaptureOptions
) -> list[str]:
    """Return what ``prepare_slot`` runs, for a person to run it with other rights."""
    with_options = "publish = 'insert, update, delete, truncate', publish_via_partition_root = true"
    if connection.info.server_version >= _STORED_GENERATED:
        with_options += ", publish_generated_columns = stored"
    listed = ", ".join(full_name(table) for table in tables.values())
    name = quoted(options.name)
    there = connection.execute("SELECT 1 FROM pg_publication WHERE pubname = %s", (options.name,)).fetchone()
    published = [
        f"ALTER PUBLICATION {name} SET TABLE {listed}",
        f"ALTER PUBLICATION {name} SET ({with_options})",
    ]
    return [
        *identity_statements(connection, tables, options),
        *(published if there else [f"CREATE PUBLICATION {name} FOR TABLE {listed} WITH ({with_options})"]),
        f"SELECT pg_create_logical_replication_slot('{options.name}', 'pgoutput')",
    ]


def prepare_slot(
    connection: psycopg.Connection[Any], tables: dict[str, SourceTable], options: CaptureOptions, place: str
) -> Position:
    """Make what is not there and return the position that the slot stands at; a slot whose log is lost is made anew.

    Raises:
        CaptureRefusedError: rights or settings are missing, or a transaction stays open for too long.
    """
    if found := list(obstacles(connection)):
        raise CaptureRefusedError.because(
            f"{place}: {'; '.join(problem for problem, _ in found)}",
            *(statement for _, several in found for statement in several),
        )
    *before, _slot = slot_statements(connection, tables, options)
    with stopping(place):
        connection.execute(_PATIENCE)
        try:
            with connection.transaction():
                for statement in before:
                    connection.execute(statement.encode())
            return _slot_position(connection, options)
        except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable) as error:
            raise CaptureRefusedError(
                f"{place}: a transaction stays open for too long, the slot cannot begin beside it; find it by {_RUNNING}"
            ) from error
        finally:
            connection.execute("RESET lock_timeout; RESET statement_timeout")


def _slot_position(connection: psycopg.Connection[Any], options: CaptureOptions) -> Position:
    row = connection.execute(_SLOT, (options.name,)).fetchone()
    if row is not None and row[0] == "lost":
        connection.execute("SELECT pg_drop_replication_slot(%s)", (options.name,))
        row = None
    if row is None:
        connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (options.name,))
        row = connection.execute(_SLOT, (options.name,)).fetchone()
    return Position(int(row[1]) if row is not None else 0)


def remove_slot(connection: psycopg.Connection[Any], options: CaptureOptions, place: str) -> None:
    """Drop slot and publication: the server keeps its log for us no longer."""
    with stopping(place):
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s",
            (options.name,),
        )
        connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(options.name)))
