"""Rows of a SQLite file as they are now. One writer at a time: what is committed is in order."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from caravan.migration.capture.errors import CaptureRefusedError, CaptureStoppedError
from caravan.migration.capture.stores.store import parsed_keys
from caravan.migration.load.readers import BrokenRecord, Record, Rules, SourceTable
from caravan.migration.load.readers.rows import RowMaker
from caravan.migration.load.readers.sqlite import described_tables, quoted
from caravan.migration.load.readers.sqlite_values import as_stored, parser_of

__all__ = ["SqliteStore"]

_PATIENCE: Final = 10.0
"""Seconds to wait for another writer."""


class SqliteStore:
    def __init__(self, path: Path, rules: Rules) -> None:
        self.place = str(path)
        self._rules = rules
        with self._stopping():
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                timeout=_PATIENCE,
                check_same_thread=False,
            )
        self._connection.text_factory = as_stored

    def tables(self, names: Sequence[str]) -> dict[str, SourceTable]:
        with self._stopping():
            known = {table.name: table for table in described_tables(self._connection)}
        if missing := [name for name in names if name not in known]:
            raise CaptureRefusedError(f"{self.place} has no table {missing[0]!r}; it has {', '.join(known)}")
        return {name: known[name] for name in names}

    def full_name(self, table: SourceTable) -> str:
        return quoted(table.name)

    def run(self, *statements: str) -> None:
        with self._stopping():
            for statement in statements:
                self._connection.execute(statement)

    def texts(self, query: str) -> list[tuple[str, ...]]:
        return [tuple("" if value is None else str(value) for value in row) for row in self._rows(query)]

    @contextmanager
    def writing(self) -> Iterator[None]:
        self.run("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.run("BEGIN")
        try:
            yield
        finally:
            self.run("ROLLBACK")

    def key_literal(self, table: SourceTable, row: str) -> str:
        return " || ', ' || ".join(f"quote({row}{quoted(name)})" for name in table.key)

    def rows_of_keys(
        self, table: SourceTable, literals: Sequence[str]
    ) -> Iterator[tuple[str, Record | BrokenRecord]]:
        maker = self._maker(table)
        key = ", ".join(map(quoted, table.key))
        columns = ", ".join([self.key_literal(table, ""), *(quoted(column.name) for column in table.columns)])
        among = ", ".join(f"({literal})" for literal in literals)
        query = f"SELECT {columns} FROM {quoted(table.name)} WHERE ({key}) IN (VALUES {among})"  # noqa: S608 - quoted
        for ordinal, (literal, *values) in enumerate(self._rows(query)):
            yield str(literal), maker.record(ordinal, ordinal, values)

    def rows_where(self, table: SourceTable, condition: str) -> Iterator[Record | BrokenRecord]:
        maker = self._maker(table)
        columns = ", ".join(quoted(column.name) for column in table.columns)
        query = f"SELECT {columns} FROM {quoted(table.name)} WHERE {condition}"  # noqa: S608 - quoted
        for ordinal, values in enumerate(self._rows(query)):
            yield maker.record(ordinal, ordinal, values)

    def keys(self, table: SourceTable, literals: Sequence[str]) -> list[dict[str, Any]]:
        flat = [value for literal in literals for value in self._rows(f"SELECT {literal}")[0]]
        return parsed_keys(table.key, [parser_of(table, name, self._rules) for name in table.key], flat)

    def close(self) -> None:
        self._connection.close()

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._stopping():
            return self._connection.execute(query).fetchall()

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise CaptureStoppedError(f"{self.place} cannot be read on: {error}") from error

    def _maker(self, table: SourceTable) -> RowMaker:
        names = [column.name for column in table.columns]
        return RowMaker(table, names, [parser_of(table, name, self._rules) for name in names])
