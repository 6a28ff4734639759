"""A session of a fence with MariaDB or MySQL: short waits, texts instead of bytes."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from caravan.migration.load.readers.mariadb import connected

if TYPE_CHECKING:
    import pymysql

__all__ = [
    "HELD_UP",
    "NO_RIGHT",
    "UNDER_LOCK",
    "MariadbSession",
    "open_session",
    "opened",
    "quoted",
    "text_literal",
]

HELD_UP: Final = (1205, 1213, 1969, 3024)
"""Waited too long for a lock, deadlock, ran too long (MariaDB's and MySQL's word for it)."""
UNDER_LOCK: Final = (1099, 1100)
NO_RIGHT: Final = (1044, 1142, 1227, 1370, 1410, 1419)
_UNKNOWN_VARIABLE: Final = 1193
_LEAST: Final = 0.05


class MariadbSession:
    """Statements in one connection; each commits by itself."""

    def __init__(self, connection: "pymysql.connections.Connection[Any]") -> None:
        self._connection = connection

    def rows(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement; texts in what it returns are texts."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return [tuple(map(_text, row)) for row in cursor.fetchall()]

    def wait_at_most(self, seconds: float) -> None:
        """Bound the wait for locks of tables: to the split second in MariaDB, to the second in MySQL."""
        self._bound(str(max(1, math.ceil(seconds))), f"{max(_LEAST, seconds):.3f}")

    def wait_as_usual(self) -> None:
        """Take the bound back."""
        self._bound("DEFAULT", "DEFAULT")

    def _bound(self, lock_wait: str, statement: str) -> None:
        try:
            self.rows(f"SET SESSION lock_wait_timeout = {lock_wait}, max_statement_time = {statement}")
        except (self._connection.OperationalError, self._connection.InternalError) as error:
            if error.args[0] != _UNKNOWN_VARIABLE:
                raise
            self.rows(f"SET SESSION lock_wait_timeout = {lock_wait}")  # MySQL bounds only what it reads

    def close(self) -> None:
        """End it."""
        self._connection.close()


def open_session(url: str) -> MariadbSession:
    """Return a session, to be closed."""
    connection = connected(url)
    try:
        session = MariadbSession(connection)
        session.rows("SET NAMES utf8mb4")
    except BaseException:
        connection.close()
        raise
    return session


@contextmanager
def opened(url: str) -> Iterator[MariadbSession]:
    """Open a session and close it."""
    session = open_session(url)
    try:
        yield session
    finally:
        session.close()


def quoted(name: str) -> str:
    """Return a name as SQL."""
    return "`" + name.replace("`", "``") + "`"


def text_literal(value: str) -> str:
    """Return a text as SQL, whatever the mode of the session says of backslashes."""
    return f"CONVERT(0x{value.encode().hex()} USING utf8mb4)" if value else "''"


def _text(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
