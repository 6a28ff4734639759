"""Rows of PostgreSQL as they are now, through COPY as the reader reads them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from caravan.migration.capture.slot.requirements import chosen_tables, full_name
from caravan.migration.capture.stores.postgres_connection import connect_postgres, raw_rows, stopping
from caravan.migration.capture.stores.store import parsed_keys
from caravan.migration.load.readers import BrokenRecord, Record, Rules, SourceTable, without_password
from caravan.migration.load.readers.copy_text import fields_of, text_then
from caravan.migration.load.readers.postgres_schema import quoted
from caravan.migration.load.readers.postgres_values import parser_of
from caravan.migration.load.readers.rows import Parse, RowMaker

__all__ = ["PostgresStore"]


class PostgresStore:
    def __init__(self, url: str, rules: Rules) -> None:
        self.place = without_password(url)
        self._rules = rules
        self._connection = connect_postgres(url)
        # Making a trigger waits for writers, and writers that come later wait behind it: not for long.
        self.run("SET lock_timeout = '2s'")

    def tables(self, names: Sequence[str]) -> dict[str, SourceTable]:
        with stopping(self.place):
            return chosen_tables(self._connection, names, self.place)

    def full_name(self, table: SourceTable) -> str:
        return full_name(table)

    def run(self, *statements: str) -> None:
        with stopping(self.place):
            for statement in statements:
                self._connection.execute(statement.encode())

    def texts(self, query: str) -> list[tuple[str, ...]]:
        with stopping(self.place):
            rows = raw_rows(self._connection, query)
        return [tuple("" if value is None else value.decode() for value in row) for row in rows]

    @contextmanager
    def writing(self) -> Iterator[None]:
        with stopping(self.place), self._connection.transaction():
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with stopping(self.place), self._connection.transaction():
            self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield

    def key_literal(self, table: SourceTable, row: str) -> str:
        # Through JSON: its dates do not depend on the settings of the session that writes.
        parts = [
            f"quote_literal(to_jsonb({row}{quoted(name)}) #>> '{{}}') || '::{_escaped(table.column(name).type)}'"
            for name in table.key
        ]
        return " || ', ' || ".join(parts)

    def rows_of_keys(
        self, table: SourceTable, literals: Sequence[str]
    ) -> Iterator[tuple[str, Record | BrokenRecord]]:
        maker = self._maker(table)
        among = ", ".join(f"({literal})" for literal in literals)
        columns = ", ".join([self.key_literal(table, ""), *(quoted(column.name) for column in table.columns)])
        key = ", ".join(map(quoted, table.key))
        query = f"SELECT {columns} FROM {full_name(table)} WHERE ({key}) IN ({among})"  # noqa: S608 - quoted
        for ordinal, fields in enumerate(self._copied(query)):
            yield (fields[0] or b"").decode(), maker.record(ordinal, ordinal, fields[1:])

    def rows_where(self, table: SourceTable, condition: str) -> Iterator[Record | BrokenRecord]:
        maker = self._maker(table)
        columns = ", ".join(quoted(column.name) for column in table.columns)
        query = f"SELECT {columns} FROM {full_name(table)} WHERE {condition}"  # noqa: S608 - quoted
        for ordinal, fields in enumerate(self._copied(query)):
            yield maker.record(ordinal, ordinal, fields)

    def keys(self, table: SourceTable, literals: Sequence[str]) -> list[dict[str, Any]]:
        if not literals:
            return []
        with stopping(self.place):
            rows = raw_rows(self._connection, f"VALUES {', '.join(f'({literal})' for literal in literals)}")
        return parsed_keys(
            table.key,
            [self._parser(table, name) for name in table.key],
            [value for row in rows for value in row],
        )

    def close(self) -> None:
        self._connection.close()

    def _copied(self, query: str) -> Iterator[Sequence[bytes | None]]:
        with (
            stopping(self.place),
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY ({query}) TO STDOUT".encode()) as copy,
        ):
            for line in copy:
                yield fields_of(bytes(line)[:-1])

    def _maker(self, table: SourceTable) -> RowMaker:
        names = [column.name for column in table.columns]
        return RowMaker(table, names, [self._parser(table, name) for name in names])

    def _parser(self, table: SourceTable, name: str) -> Parse:
        return text_then(parser_of(table.column(name).type, self._rules), "utf-8", self._rules)


def _escaped(text: str) -> str:
    return text.replace("'", "''")
