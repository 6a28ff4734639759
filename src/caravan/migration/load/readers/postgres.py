"""Reads PostgreSQL, and with it Supabase, through ``COPY … TO STDOUT`` in one exported snapshot.

COPY streams without a cursor, keeps numeric NaN, infinite dates and long fractions in words, and is what a plain dump holds
as well, so that both are read by the same code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

import psycopg
from psycopg import sql

from caravan.migration.load.readers.collection_files import choose
from caravan.migration.load.readers.copy_text import copied_row, text_then
from caravan.migration.load.readers.errors import SourceLost, SourceUnreadable
from caravan.migration.load.readers.key_ranges import bounds_query, condition, ranges_of
from caravan.migration.load.readers.postgres_schema import described_tables, quoted
from caravan.migration.load.readers.postgres_values import parser_of
from caravan.migration.load.readers.protocol import BrokenRecord, CollectionInfo, Record
from caravan.migration.load.readers.rows import RowMaker
from caravan.migration.load.readers.rules import REFUSE_ALL, Rules
from caravan.migration.load.readers.source_url import without_password
from caravan.migration.load.readers.tables import KeyRange, Snapshot, SourceTable

__all__ = ["SETTINGS", "PostgresReader", "name_of", "said"]

SETTINGS: Final = (
    "-c datestyle=ISO,YMD -c intervalstyle=iso_8601 -c timezone=UTC -c extra_float_digits=3 -c bytea_output=hex"
    " -c client_encoding=UTF8 -c statement_timeout=0"
    " -c idle_in_transaction_session_timeout=0 -c row_security=off"
)
"""What a session needs so that values come in the words which ``postgres_values`` reads."""
_READ_ONLY: Final = f"{SETTINGS} -c default_transaction_read_only=on"
_LOCK_WAIT: Final = 30
"""Seconds that a table which somebody holds is waited for."""
_AS_SEEN: Final = """
SELECT coalesce(bool_and(pg_relation_filenode(c.oid) IS NOT DISTINCT FROM nullif(c.relfilenode, 0)), false) FROM pg_class c
WHERE c.oid = %(table)s::regclass OR c.oid IN (SELECT relid FROM pg_partition_tree(%(table)s::regclass))
"""
"""Whether the table's files are those that the snapshot's catalogue names: TRUNCATE, and DDL that rewrites a table, put new ones
in their place at once, in which older snapshots find nothing."""


class PostgresReader:
    """``url``: ``postgresql://…``. Tables are named as they are in ``public``, others ``schema.table``.

    ``snapshot``: the name of one that another connection has exported, such as that of a replication slot.
    Row-level security is off: a role that it would hide rows from gets an error instead of a part.
    """

    format: Literal["row"] = "row"
    dialect: Literal["postgresql"] = "postgresql"

    def __init__(self, url: str, rules: Rules = REFUSE_ALL, *, snapshot: str = "") -> None:
        self._place = without_password(url)
        self.rules = rules
        self._done = self._total = 0
        address = "postgresql://" + url.partition("://")[2]
        try:
            self._connection = psycopg.connect(
                address, options=_READ_ONLY, application_name="caravan source", autocommit=True
            )
        except psycopg.Error as error:
            raise SourceUnreadable(f"{self._place} cannot be reached: {said(error)}") from error
        try:
            self._connection.execute(f"SET lock_timeout = '{_LOCK_WAIT}s'".encode())
            self._snapshot = self._begin(snapshot)
            self._tables = {name_of(table): table for table in described_tables(self._connection)}
        except psycopg.Error as error:
            self._connection.close()
            raise SourceUnreadable(f"{self._place} cannot be read: {said(error)}") from error

    def collections(self) -> Mapping[str, CollectionInfo]:
        return {
            name: CollectionInfo(table.name, table.schema, (), 0, table.rows)
            for name, table in self._tables.items()
        }

    def tables(self) -> Mapping[str, SourceTable]:
        return self._tables

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def ranges(self, table: str, parts: int) -> list[KeyRange]:
        found = self._counted(self._found(table))
        literals = [
            f"quote_literal({quoted(name)}) || '::{found.column(name).type.replace(chr(39), chr(39) * 2)}'"
            for name in found.key
        ]
        query = bounds_query(found, literals, self._full_name(found), parts)
        return (
            [KeyRange()] if query is None else ranges_of(self._connection.execute(query.encode()).fetchall())
        )

    def read(self, collection: str) -> Iterator[Record | BrokenRecord]:
        return self.read_range(collection, KeyRange())

    def read_range(self, table: str, within: KeyRange) -> Iterator[Record | BrokenRecord]:
        found = self._found(table)
        try:
            parsers = [
                text_then(parser_of(column.type, self.rules), "utf-8", self.rules) for column in found.columns
            ]
        except LookupError as error:
            raise SourceUnreadable(f"{self._place}, table {found.name}: {error.args[0]}") from error
        maker = RowMaker(found, [column.name for column in found.columns], parsers)
        names = ", ".join(quoted(column.name) for column in found.columns)
        query = f"COPY (SELECT {names} FROM {self._full_name(found)}{condition(found, within)}) TO STDOUT"  # noqa: S608 - quoted
        self._done, self._total = 0, found.rows or 0
        last_good = -1
        try:
            self._assert_as_seen(found)
            # A savepoint: a reader that is left half-way cancels its COPY, and the snapshot lives on.
            with (
                self._connection.transaction(),
                self._connection.cursor() as cursor,
                cursor.copy(query.encode()) as copy,
            ):
                for ordinal, line in enumerate(copy):
                    self._done = ordinal + 1
                    record = copied_row(maker, ordinal, ordinal, bytes(line)[:-1])
                    if type(record) is Record:
                        last_good = ordinal
                    yield record
        except psycopg.Error as error:
            raise SourceLost.in_table(self._place, found.name, last_good, said(error)) from error

    def position(self) -> tuple[int, int]:
        return self._done, self._total

    def close(self) -> None:
        self._connection.close()

    def _found(self, table: str) -> SourceTable:
        return self._tables[_key_of(choose(self.collections(), table, self._place))]

    def _full_name(self, table: SourceTable) -> str:
        return f"{quoted(table.schema)}.{quoted(table.name)}"

    def _assert_as_seen(self, table: SourceTable) -> None:
        """Hold the table as its readers do, until the snapshot ends, and stop where the snapshot can no longer show its rows."""
        name = self._full_name(table)
        with self._connection.transaction():
            self._connection.execute(f"LOCK TABLE {name} IN ACCESS SHARE MODE".encode())
        row = self._connection.execute(_AS_SEEN, {"table": name}).fetchone()
        if row is None or not row[0]:
            raise SourceLost.in_table(
                self._place,
                table.name,
                -1,
                "it was emptied or rewritten (TRUNCATE, ALTER TABLE) since the load began",
            )

    def _counted(self, table: SourceTable) -> SourceTable:
        """Return the table with its exact number of rows; what the catalogue says is an estimate."""
        query = f"SELECT count(*) FROM {self._full_name(table)}"  # noqa: S608 - quoted
        row = self._connection.execute(query.encode()).fetchone()
        return replace(table, rows=row[0] if row else None)

    def _begin(self, joined: str) -> Snapshot:
        """Open the snapshot; the position is read before it, so changes from there on miss nothing that it lacks."""
        position = self._log_position()
        self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if joined:
            self._connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(joined)))
            return Snapshot("transaction", "", joined)
        row = self._connection.execute("SELECT pg_export_snapshot()").fetchone()
        return Snapshot("transaction", position, str(row[0]) if row else "")

    def _log_position(self) -> str:
        query = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text"
        row: Any = self._connection.execute(query).fetchone()
        return str(row[0] or "")


def name_of(table: SourceTable) -> str:
    """Return what a table is called in a migration file."""
    return table.name if table.schema == "public" else f"{table.schema}.{table.name}"


def _key_of(info: CollectionInfo) -> str:
    return info.name if info.database == "public" else f"{info.database}.{info.name}"


def said(error: psycopg.Error) -> str:
    """Return what the server said."""
    return str(error.diag.message_primary or error).strip()
