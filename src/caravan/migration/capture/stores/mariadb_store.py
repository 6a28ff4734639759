"""Rows of MariaDB and MySQL as they are now, selected as the reader selects them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from caravan.migration.capture.stores.mariadb_connection import MariadbConnection
from caravan.migration.capture.stores.store import parsed_keys
from caravan.migration.load.readers import BrokenRecord, Record, Rules, SourceTable
from caravan.migration.load.readers.mariadb import literal_of, selected
from caravan.migration.load.readers.mariadb_schema import quoted
from caravan.migration.load.readers.mariadb_values import base_type, parser_of
from caravan.migration.load.readers.rows import RowMaker

__all__ = ["MariadbStore"]


class MariadbStore:
    def __init__(self, url: str, rules: Rules) -> None:
        self.connection = MariadbConnection(url)
        self.place = self.connection.place
        self._rules = rules
        # Making a trigger waits for writers, and writers that come later wait behind it: not for long.
        self.run("SET SESSION lock_wait_timeout = 2, innodb_lock_wait_timeout = 2")

    def tables(self, names: Sequence[str]) -> dict[str, SourceTable]:
        return self.connection.tables(names)

    def full_name(self, table: SourceTable) -> str:
        return f"{quoted(table.schema)}.{quoted(table.name)}"

    def run(self, *statements: str) -> None:
        self.connection.run(*statements)

    def texts(self, query: str) -> list[tuple[str, ...]]:
        return self.connection.texts(query)

    @contextmanager
    def writing(self) -> Iterator[None]:
        self.run("START TRANSACTION")
        try:
            yield
        except BaseException:
            self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        try:
            yield
        finally:
            self.run("ROLLBACK")

    def key_literal(self, table: SourceTable, row: str) -> str:
        parts = []
        for name in table.key:
            column = table.column(name)
            if base_type(column.type) == "timestamp":  # whose text depends on the zone of the session
                parts.append(f"concat('from_unixtime(', unix_timestamp({row}{quoted(name)}), ')')")
            else:
                parts.append(literal_of(column, row))
        return parts[0] if len(parts) == 1 else f"concat_ws(', ', {', '.join(parts)})"

    def rows_of_keys(
        self, table: SourceTable, literals: Sequence[str]
    ) -> Iterator[tuple[str, Record | BrokenRecord]]:
        maker = self._maker(table)
        key = ", ".join(map(quoted, table.key))
        among = ", ".join(f"({literal})" for literal in literals)
        columns = ", ".join([self.key_literal(table, ""), *map(selected, table.columns)])
        query = f"SELECT {columns} FROM {self.full_name(table)} WHERE ({key}) IN ({among})"  # noqa: S608 - quoted
        for ordinal, (literal, *values) in enumerate(self.connection.rows(query)):
            yield literal.decode(), maker.record(ordinal, ordinal, values)

    def rows_where(self, table: SourceTable, condition: str) -> Iterator[Record | BrokenRecord]:
        maker = self._maker(table)
        columns = ", ".join(map(selected, table.columns))
        query = f"SELECT {columns} FROM {self.full_name(table)} WHERE {condition}"  # noqa: S608 - quoted
        for ordinal, values in enumerate(self.connection.rows(query)):
            yield maker.record(ordinal, ordinal, values)

    def keys(self, table: SourceTable, literals: Sequence[str]) -> list[dict[str, Any]]:
        # One SELECT each: the rows of a union would agree on one type.
        flat = [value for literal in literals for value in self.connection.rows(f"SELECT {literal}")[0]]
        return parsed_keys(
            table.key, [parser_of(table.column(name), self._rules) for name in table.key], flat
        )

    def close(self) -> None:
        self.connection.close()

    def _maker(self, table: SourceTable) -> RowMaker:
        return RowMaker(
            table,
            [column.name for column in table.columns],
            [parser_of(column, self._rules) for column in table.columns],
        )
