"""Writing back to PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg.types.json import Json

from caravan.migration.capture.opening import tag_statements
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.load.readers import SourceColumn, SourceTable, without_password
from caravan.migration.load.readers.postgres import name_of, said
from caravan.migration.load.readers.postgres_schema import described_tables, quoted
from caravan.migration.sync.errors import LegacyWriteError
from caravan.migration.sync.legacy.values import json_text
from caravan.migration.sync.legacy.writer import KEYS, POSITIONS, RowRefusedError

__all__ = ["PostgresDialect"]

_REFUSED: Final = (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.UndefinedColumn)
_INTEGERS: Final = frozenset({"smallint", "integer", "bigint"})
_PASSING: Final = (
    psycopg.OperationalError,
    psycopg.errors.RaiseException,  # a trigger that fences
    psycopg.errors.ReadOnlySqlTransaction,
)


class PostgresDialect:
    """``url`` as the reader takes it."""

    parameter = "%s"
    making = (
        (
            f"CREATE TABLE IF NOT EXISTS {POSITIONS} (flow text PRIMARY KEY, epoch bigint NOT NULL, number bigint NOT NULL,"
            " resume text NOT NULL)"
        ),
        (
            f"CREATE TABLE IF NOT EXISTS {KEYS} (row_id text, collection text, tag text NOT NULL, legacy_key text NOT NULL,"
            " PRIMARY KEY (row_id, collection))"
        ),
    )

    def __init__(self, url: str, kind: str, options: CaptureOptions) -> None:
        self._place = without_password(url)
        self._kind, self._options = kind, options
        try:
            self._connection = psycopg.connect(
                "postgresql://" + url.partition("://")[2],
                application_name="caravan sync",
                options="-c TimeZone=UTC -c lock_timeout=10s",
                autocommit=True,
                connect_timeout=10,
            )
        except psycopg.Error as error:
            raise LegacyWriteError(
                f"{self._place} cannot be reached: {said(error)}", transient=True
            ) from error

    def quoted(self, name: str) -> str:
        return quoted(name)

    def full_name(self, table: SourceTable) -> str:
        return f"{quoted(table.schema)}.{quoted(table.name)}"

    def tables(self) -> Mapping[str, SourceTable]:
        return {name_of(table): table for table in described_tables(self._connection)}

    def adapted(self, table: SourceTable, column: SourceColumn, value: Any) -> Any:  # noqa: ANN401 - any value
        del table
        if value is None:
            return None
        if column.type in {"json", "jsonb"}:
            return Json(value, dumps=json_text)
        if isinstance(value, bool) and column.type in _INTEGERS:
            return int(value)
        return json_text(value) if isinstance(value, dict) else value

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            cursor = self._connection.execute(statement.encode(), tuple(values) or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise self._told(error) from error

    def insert_giving(self, statement: str, values: Sequence[Any], key: str) -> Any:  # noqa: ANN401 - a key
        return self.execute(f"{statement} RETURNING {quoted(key)}", values)[0][0]

    def begin(self) -> None:
        self.execute("BEGIN")

    def commit(self) -> None:
        self.execute("COMMIT")

    def rollback(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except psycopg.Error:
            self.close()  # with the connection goes the transaction

    def tags(self, tag: str) -> tuple[Sequence[str], Sequence[str]]:
        return tag_statements(self._kind, tag, self._options)

    def close(self) -> None:
        self._connection.close()

    def _told(self, error: psycopg.Error) -> Exception:
        if isinstance(error, _REFUSED):
            return RowRefusedError(said(error))
        return LegacyWriteError(f"{self._place}: {said(error)}", transient=isinstance(error, _PASSING))
