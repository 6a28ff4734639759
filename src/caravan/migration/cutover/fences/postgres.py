"""A fence of PostgreSQL: triggers that raise, for rows and for TRUNCATE, on all tables in one transaction.

Creating a trigger takes a lock that writers hold up (SHARE ROW EXCLUSIVE, https://www.postgresql.org/docs/current/explicit-locking.html):
once it is there, whoever wrote before has ended and whoever comes later meets it. While we wait for that lock others queue behind us,
so it is asked for with a short ``lock_timeout``, again and again. Dropping a trigger waits for readers too; so a fence is taken down
by replacing its function with one that lets pass, and its triggers go when their locks are free.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg

from caravan.core.kept import Kept
from caravan.migration.cutover.errors import FenceRefusedError
from caravan.migration.cutover.fences import postgres_statements as statements
from caravan.migration.cutover.fences.names import PREFIX, fence_name, transition_of
from caravan.migration.cutover.fences.postgres_statements import Trigger
from caravan.migration.cutover.parties import Writer

__all__ = ["PostgresFence"]

_LOCK_TIMEOUT_MS: Final = 100
_HELD_UP: Final = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


class PostgresFence:
    """``tables`` as ``schema.table``; ``only`` (a column and its value) fences the rows of one tenant and lets others write.

    ``url`` is libpq's, of somebody who may create triggers on the tables and functions in their schemas.
    """

    def __init__(self, url: str, tables: Sequence[str], *, only: tuple[str, str] | None = None) -> None:
        self._url = url
        self._tables = sorted(tables)
        self._only = only
        self._since: datetime | None = None
        self._connections = Kept(self._open)

    def kept_open(self) -> AbstractContextManager[None]:
        """Keep one connection for all that is asked in the block."""
        return self._connections.kept_open()

    @property
    def limits(self) -> Sequence[str]:
        scoped = ("TRUNCATE is stopped for all tenants",) if self._only else ()
        return ("DROP TABLE and ALTER TABLE by a table's owner are not stopped", *scoped)

    def standing(self) -> Sequence[UUID]:
        with self._connected() as connection:
            refusing = self._refusing(connection, PREFIX + "%")
            names = {name for name, *_ in self._triggers(connection, PREFIX + "%")}
        found = {transition_of(name) for name in names}
        return sorted(one for one in found if one is not None and fence_name(one) in refusing)

    def is_up(self, transition: UUID) -> bool:
        with self._connected() as connection:
            name = fence_name(transition)
            there = set(self._triggers(connection, name + "%"))
            return name in self._refusing(connection, name) and set(self._wanted(connection, name)) <= there

    def put_up(self, transition: UUID, *, within: float) -> None:
        name = fence_name(transition)
        with self._connected() as connection:
            try:
                self._patiently(connection, within, lambda: self._create(connection, name))
            except psycopg.errors.InsufficientPrivilege as error:
                raise FenceRefusedError(f"PostgreSQL: {error.diag.message_primary}.") from None
            row = connection.execute("SELECT clock_timestamp()").fetchone()
            self._since = row[0] if row else None

    def take_down(self, transition: UUID, *, within: float) -> None:
        name = fence_name(transition)
        with self._connected() as connection:
            schemas = sorted({schema for schema, _, _ in self._relations(connection)})
            if name not in self._refusing(connection, name) and not self._triggers(connection, name + "%"):
                return
            for schema in schemas:
                connection.execute(statements.let_pass(schema, name))
            try:
                self._patiently(connection, min(within, 1.0), lambda: self._drop(connection, name, schemas))
            except FenceRefusedError:
                return  # they let pass; the next fence, or whoever looks after the store, removes them

    def old_transactions(self) -> Sequence[Writer]:
        with self._connected() as connection:
            return self._old(connection)

    def writers(self) -> Sequence[Writer]:
        with self._connected() as connection:
            rows = connection.execute(statements.WRITERS, (self._tables,)).fetchall()
        return [
            Writer(_writer(user, application), f"{count} sessions from {host or 'this machine'}")
            for user, application, count, host in rows
        ]

    def by_hand(self, transition: UUID) -> Sequence[str]:
        name = fence_name(transition)
        with self._connected() as connection:
            schemas = sorted({schema for schema, _, _ in self._relations(connection)})
            drops = [statements.drop_trigger(trigger) for trigger in self._wanted(connection, name)]
            functions = [statements.drop_function(schema, name) for schema in schemas]
            return [statement.as_string(connection) + ";" for statement in (*drops, *functions)]

    def _open(self) -> psycopg.Connection:
        return psycopg.connect(self._url, autocommit=True, application_name="caravan fence")

    def _connected(self) -> AbstractContextManager[psycopg.Connection]:
        return self._connections.used()

    def _patiently(self, connection: psycopg.Connection, within: float, act: Callable[[], None]) -> None:
        """Act in one transaction, again until its locks are there; raises ``FenceRefusedError`` with who holds them."""
        deadline = time.monotonic() + within
        while True:
            try:
                with connection.transaction():
                    connection.execute(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}".encode())
                    act()
            except _HELD_UP:
                if time.monotonic() < deadline:
                    continue
                users = ", ".join(
                    f"{writer.name} ({writer.doing})" for writer in self._old(connection, all_=True)
                )
                raise FenceRefusedError(
                    f"PostgreSQL gave no lock on the tables within {within:.2g} s; they are used by {users or 'readers'}."
                ) from None
            else:
                return

    def _create(self, connection: psycopg.Connection, name: str) -> None:
        there = set(self._triggers(connection, name + "%"))
        wanted = self._wanted(connection, name)
        for schema in sorted({schema for _, schema, _ in wanted}):
            connection.execute(statements.refuse(schema, name))
        for trigger in wanted:
            if trigger not in there:
                for statement in statements.create_trigger(trigger, name, self._only):
                    connection.execute(statement)

    def _drop(self, connection: psycopg.Connection, name: str, schemas: Sequence[str]) -> None:
        for trigger in self._triggers(connection, name + "%"):
            connection.execute(statements.drop_trigger(trigger))
        for schema in schemas:
            connection.execute(statements.drop_function(schema, name))

    def _old(self, connection: psycopg.Connection, *, all_: bool = False) -> list[Writer]:
        since = None if all_ else self._since
        rows = connection.execute(statements.OLD_TRANSACTIONS, (self._tables, since, since)).fetchall()
        return [
            Writer("a prepared transaction", "see pg_prepared_xacts")
            if pid is None
            else Writer(_writer(user, application), f"pid {pid}, since {began:%H:%M:%S} UTC: {query}")
            for user, application, pid, began, query in rows
        ]

    def _relations(self, connection: psycopg.Connection) -> list[tuple[str, str, bool]]:
        """Return schema, name and whether it is a partition, of the tables and all below them."""
        rows = connection.execute(statements.RELATIONS, (self._tables,)).fetchall()
        return [(schema, name, bool(partition)) for schema, name, partition in rows]

    def _wanted(self, connection: psycopg.Connection, name: str) -> list[Trigger]:
        """Return every trigger; a partition has those for rows from its parent."""
        return [
            (name + kind, schema, table)
            for schema, table, partition in self._relations(connection)
            for kind in ((statements.TRUNCATE,) if partition else (statements.ROWS, statements.TRUNCATE))
        ]

    def _triggers(self, connection: psycopg.Connection, like: str) -> list[Trigger]:
        ours = {(schema, table) for schema, table, _ in self._relations(connection)}
        rows = connection.execute(statements.TRIGGERS, (like.replace("_", r"\_"),)).fetchall()
        return [(name, schema, table) for name, schema, table in rows if (schema, table) in ours]

    @staticmethod
    def _refusing(connection: psycopg.Connection, like: str) -> set[str]:
        rows = connection.execute(statements.FUNCTIONS, (like.replace("_", r"\_"),)).fetchall()
        return {name for name, _, refuses in rows if refuses}


def _writer(user: str, application: str) -> str:
    return f"{user}/{application}" if application else user
