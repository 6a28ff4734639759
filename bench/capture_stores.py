"""The stores whose changes ``bench.capture`` follows: a table, changes that wait in the log, one write at a time."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import psycopg
import pymysql

from caravan.core.embedded.servers import embedded_servers

__all__ = [
    "SUMS",
    "MariadbStore",
    "PostgresStore",
    "Store",
    "Writer",
    "changes_of",
    "mariadb_store",
    "postgres_server",
]

_COLUMNS: Final = "id, customer, name, note, total, paid, placed, written"
_MARIADB: Final = (
    """CREATE OR REPLACE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, name varchar(200) NOT NULL, note text,
    total decimal(18,4) NOT NULL, paid tinyint(1) NOT NULL, placed timestamp(6) NOT NULL, written timestamp(6) NOT NULL)""",
    f"""CREATE OR REPLACE PROCEDURE change_rows(low int, high int) BEGIN
    WHILE low < high DO
        START TRANSACTION;
        INSERT INTO orders ({_COLUMNS}) SELECT low * 6 + seq, seq, concat('Customer number ', low), md5(low + seq),
            (low * 37 % 1000000) / 100.0, seq % 2, now(6), now(6) FROM seq_1_to_6;
        UPDATE orders SET total = total + 1, written = now(6) WHERE id BETWEEN (low - 500) * 6 + 1 AND (low - 500) * 6 + 3;
        DELETE FROM orders WHERE id = (low - 1000) * 6 + 6;
        COMMIT;
        SET low = low + 1;
    END WHILE;
    END""",  # noqa: S608 - made of constants
)
_POSTGRES: Final = (
    "DROP TABLE IF EXISTS orders",
    """CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, name varchar(200) NOT NULL, note text,
    total numeric(18,4) NOT NULL, paid boolean NOT NULL, placed timestamptz(6) NOT NULL, written timestamptz(6) NOT NULL)""",
    f"""CREATE OR REPLACE PROCEDURE change_rows(low int, high int) LANGUAGE plpgsql AS $$ BEGIN
    WHILE low < high LOOP
        INSERT INTO orders ({_COLUMNS}) SELECT low * 6 + n, n, 'Customer number ' || low, md5((low + n)::text),
            (low * 37 % 1000000) / 100.0, n % 2 = 1, clock_timestamp(), clock_timestamp() FROM generate_series(1, 6) n;
        UPDATE orders SET total = total + 1, written = clock_timestamp()
            WHERE id BETWEEN (low - 500) * 6 + 1 AND (low - 500) * 6 + 3;
        DELETE FROM orders WHERE id = (low - 1000) * 6 + 6;
        COMMIT;
        low := low + 1;
    END LOOP;
    END $$""",  # noqa: S608 - made of constants
)
_INSERT: Final = (
    f"INSERT INTO orders ({_COLUMNS}) VALUES (%s, 7, 'Customer', 'note', 1.5, {{true}}, {{now}}, {{now}})"  # noqa: S608 - made of constants
)
_UPDATE: Final = "UPDATE orders SET total = total + 1 WHERE id = %s"
SUMS: Final = "SELECT count(*), coalesce(sum(id), 0), coalesce(sum(total), 0) FROM orders"
"""What must be the same on both sides when everything has been applied."""


def changes_of(transactions: int) -> int:
    """Return how many rows change: 6 inserts each, 3 updates of rows 500 transactions old, 1 delete of a row 1,000 old."""
    return 6 * transactions + 3 * max(0, transactions - 500) + max(0, transactions - 1_000)


class Store(Protocol):
    """A store with the table ``orders``; ``kind`` and ``url`` as a migration file has them."""

    @property
    def kind(self) -> str: ...

    @property
    def url(self) -> str: ...

    def begin_anew(self) -> None:
        """Make the table anew, empty."""

    def change(self, transactions: int) -> None:
        """Write so many transactions, see ``changes_of``."""

    def writer(self) -> "Writer":
        """Return a connection that writes one row and one transaction at a time."""

    def rows(self, query: str) -> list[tuple[Any, ...]]: ...


class Writer:
    """Inserts a row, and after every fourth one updates an older one: 1.25 writes each."""

    def __init__(self, connection: Any, insert: str) -> None:  # noqa: ANN401 - of either driver
        self._connection, self._insert = connection, insert

    def write(self, number: int) -> None:
        """Do the write of this number, from 1: every fifth is an update."""
        with self._connection.cursor() as cursor:
            if number % 5 == 0:
                cursor.execute(_UPDATE, (max(1, number - 40),))
            else:
                cursor.execute(self._insert, (number,))

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True, slots=True)
class MariadbStore:
    socket: Path
    kind: str = "mariadb"

    @property
    def url(self) -> str:
        return f"mysql://root@localhost/bench?unix_socket={self.socket}"

    def begin_anew(self) -> None:
        self._execute(*_MARIADB)

    def change(self, transactions: int) -> None:
        self._execute(f"CALL change_rows(0, {transactions})")

    def writer(self) -> Writer:
        return Writer(self._connected(), _INSERT.format(true="1", now="now(6)"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._execute(query)

    def _connected(self) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
        connection = pymysql.connect(unix_socket=str(self.socket), user="root", autocommit=True)
        with connection.cursor() as cursor:
            for setting in ("CREATE DATABASE IF NOT EXISTS bench", "USE bench", "SET time_zone = '+00:00'"):
                cursor.execute(setting)
        return connection

    def _execute(self, *statements: str) -> list[tuple[Any, ...]]:
        with self._connected() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())


@dataclass(frozen=True, slots=True)
class PostgresStore:
    url: str
    kind: str = "postgresql"

    def begin_anew(self) -> None:
        self._execute(*_POSTGRES)

    def change(self, transactions: int) -> None:
        self._execute(f"CALL change_rows(0, {transactions})")

    def writer(self) -> Writer:
        connection = psycopg.connect(self.url, autocommit=True)
        return Writer(connection, _INSERT.format(true="true", now="clock_timestamp()"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._execute(query)

    def _execute(self, *statements: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@contextmanager
def postgres_server(home: Path) -> Iterator[str]:
    """Give the URL of a private server, as the product starts it."""
    with embedded_servers(home, want_postgres=True, want_valkey=False) as servers:
        assert servers.postgres is not None
        yield servers.postgres.dsn()


@contextmanager
def mariadb_store(home: Path) -> Iterator[MariadbStore]:
    """Give a private server that logs rows with the names of their columns, which the peer needs."""
    home.mkdir()
    owner = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={home / 'data'}", "--skip-test-db",
         "--auth-root-authentication-method=normal", *owner],
        check=True, capture_output=True,
    )  # fmt: skip
    server = subprocess.Popen(
        [shutil.which("mariadbd") or "mariadbd", "--no-defaults", f"--datadir={home / 'data'}", f"--socket={home / 's'}",
         "--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--log-bin=binlog", "--server-id=1",
         "--binlog-format=ROW", "--binlog-row-image=FULL", "--binlog-row-metadata=FULL",
         "--character-set-server=utf8mb4", f"--log-error={home / 'log.err'}", f"--pid-file={home / 'mariadb.pid'}", *owner],
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        log = home / "log.err"
        while not log.exists() or b"ready for connections" not in log.read_bytes():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("mariadbd does not start")
            time.sleep(0.05)
        yield MariadbStore(home / "s")
    finally:
        server.terminate()
        server.wait(60)
