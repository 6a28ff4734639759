"""Writing back to a SQLite file."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from caravan.migration.capture.opening import tag_statements
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.load.readers import Rules, SourceColumn, SourceTable
from caravan.migration.load.readers.sqlite import described_tables, quoted
from caravan.migration.sync.errors import LegacyWriteError
from caravan.migration.sync.legacy.values import for_sqlite
from caravan.migration.sync.legacy.writer import KEYS, POSITIONS, RowRefusedError

__all__ = ["SqliteDialect"]

_PATIENCE: Final = 10.0
"""Seconds to wait for another writer."""


class SqliteDialect:
    """One writer at a time: the transaction takes the lock when it begins."""

    parameter = "?"
    making = (
        (
            f"CREATE TABLE IF NOT EXISTS {POSITIONS} (flow TEXT PRIMARY KEY, epoch INTEGER NOT NULL, number INTEGER NOT NULL,"
            " resume TEXT NOT NULL)"
        ),
        (
            f"CREATE TABLE IF NOT EXISTS {KEYS} (row_id TEXT, collection TEXT, tag TEXT NOT NULL, legacy_key TEXT NOT NULL,"
            " PRIMARY KEY (row_id, collection))"
        ),
    )

    def __init__(self, path: Path, rules: Rules, options: CaptureOptions) -> None:
        self._path, self._rules, self._options = path, rules, options
        try:
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                timeout=_PATIENCE,
                check_same_thread=False,
            )
            self._connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error as error:
            raise LegacyWriteError(f"{path} cannot be opened: {error}", transient=False) from error

    def quoted(self, name: str) -> str:
        return quoted(name)

    def full_name(self, table: SourceTable) -> str:
        return quoted(table.name)

    def tables(self) -> Mapping[str, SourceTable]:
        return {table.name: table for table in described_tables(self._connection)}

    def adapted(self, table: SourceTable, column: SourceColumn, value: Any) -> Any:  # noqa: ANN401 - any value
        return for_sqlite(self._rules.columns.get(f"{table.name}.{column.name}"), value)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise self._told(error) from error

    def insert_giving(self, statement: str, values: Sequence[Any], key: str) -> Any:  # noqa: ANN401 - a key
        return self.execute(f"{statement} RETURNING {quoted(key)}", values)[0][0]

    def begin(self) -> None:
        self.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.execute("COMMIT")

    def rollback(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.rollback()

    def tags(self, tag: str) -> tuple[Sequence[str], Sequence[str]]:
        return tag_statements("sqlite", tag, self._options)

    def close(self) -> None:
        self._connection.close()

    def _told(self, error: sqlite3.Error) -> Exception:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.DataError):
            return RowRefusedError(str(error))
        locked = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
        return LegacyWriteError(f"{self._path}: {error}", transient=locked)
