"""A connection to MariaDB or MySQL whose values come as the reader gets them, and which may write what a capture needs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from caravan.migration.capture.errors import CaptureRefusedError, CaptureStoppedError
from caravan.migration.load.readers import SourceTable, SourceUnreadable, without_password
from caravan.migration.load.readers.mariadb import SESSION, connected, driver_module, said
from caravan.migration.load.readers.mariadb_schema import described_tables

__all__ = ["MariadbConnection"]

_DENIED: Final = frozenset({1044, 1045, 1142, 1143, 1227, 1370})
"""Numbers of errors that say a right is missing."""
_LOCKED: Final = 1205


class MariadbConnection:
    """Commits each statement where no transaction was begun."""

    def __init__(self, url: str) -> None:
        self.place = without_password(url)
        try:
            self._driver = driver_module()
            with self.stopping():
                self._connection = connected(url)
        except SourceUnreadable as error:
            raise CaptureRefusedError(error.message) from error
        for statement in SESSION:
            self.run(statement)
        database: Any = self._connection.db
        self.database = database.decode() if isinstance(database, bytes) else str(database)
        self.is_mariadb = b"mariadb" in self.rows("SELECT version()")[0][0].lower()

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Turn what the driver raises into what a user understands."""
        try:
            yield
        except self._driver.Error as error:
            if error.args and error.args[0] in _DENIED:
                raise CaptureRefusedError(f"{self.place}: {said(error)}") from error
            if error.args and error.args[0] == _LOCKED:
                raise CaptureStoppedError(
                    f"{self.place}: another transaction holds a table for longer than is waited for; try again when it has ended"
                ) from error
            raise CaptureStoppedError(f"{self.place} cannot be read on: {said(error)}") from error

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.rows(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows as bytes; names and literals are quoted by the caller."""
        with self.stopping(), self._connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def texts(self, query: str) -> list[tuple[str, ...]]:
        """Return rows of names and numbers as text, NULL as empty."""
        return [tuple("" if value is None else _text(value) for value in row) for row in self.rows(query)]

    def tables(self, names: Sequence[str]) -> dict[str, SourceTable]:
        """Return the tables of these names.

        Raises:
            CaptureRefusedError: one is not there.
        """
        known = {table.name: table for table in described_tables(self.rows, self.database)}
        if missing := [name for name in names if name not in known]:
            raise CaptureRefusedError(
                f"{self.place} has no table {missing[0]!r} that this user may read; it has {', '.join(known)}"
            )
        return {name: known[name] for name in names}

    def close(self) -> None:
        if self._connection.open:
            self._connection.close()


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
