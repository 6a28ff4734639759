"""Writing back to MariaDB and MySQL."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from caravan.migration.capture.opening import tag_statements
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.load.readers import SourceColumn, SourceTable, without_password
from caravan.migration.load.readers.mariadb import connected, driver_module, said
from caravan.migration.load.readers.mariadb_schema import described_tables, quoted
from caravan.migration.sync.errors import LegacyWriteError
from caravan.migration.sync.legacy.values import for_mariadb
from caravan.migration.sync.legacy.writer import KEYS, POSITIONS, RowRefusedError

__all__ = ["MariadbDialect"]

_SESSION: Final = (
    "SET NAMES utf8mb4",
    # Strict: a value that does not fit is an error, never cut in silence.
    "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES', innodb_lock_wait_timeout = 10",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
)
_REFUSED: Final = frozenset(
    {1048, 1054, 1062, 1216, 1217, 1264, 1265, 1292, 1364, 1366, 1406, 1451, 1452, 3819, 4025}
)
"""Numbers of errors about one row: NULL, duplicates, ranges, references, checks."""
_PASSING: Final = frozenset({1040, 1053, 1205, 1213, 1290, 1644, 1836, 2002, 2003, 2006, 2013, 2055})
"""Numbers of errors that waiting may mend: connections, locks, a read-only server, a trigger that fences."""


class MariadbDialect:
    """``url`` as the reader takes it."""

    parameter = "%s"
    making = (
        (
            f"CREATE TABLE IF NOT EXISTS {POSITIONS} (flow varchar(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY,"
            " epoch bigint NOT NULL, number bigint NOT NULL, resume text NOT NULL) ENGINE = InnoDB"
        ),
        (
            f"CREATE TABLE IF NOT EXISTS {KEYS} (row_id char(36) CHARACTER SET ascii, collection varchar(64) CHARACTER SET utf8mb4,"
            " tag char(1) CHARACTER SET ascii NOT NULL, legacy_key varchar(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,"
            " PRIMARY KEY (row_id, collection)) ENGINE = InnoDB"
        ),
    )

    def __init__(self, url: str, kind: str, options: CaptureOptions) -> None:
        self._place = without_password(url)
        self._kind, self._options = kind, options
        self._driver = driver_module()
        try:
            self._connection = connected(url)
        except self._driver.Error as error:
            raise LegacyWriteError(
                f"{self._place} cannot be reached: {said(error)}", transient=True
            ) from error
        for statement in _SESSION:
            self.execute(statement)
        database = self._connection.db
        self._database = database.decode() if isinstance(database, bytes) else str(database)

    def quoted(self, name: str) -> str:
        return quoted(name)

    def full_name(self, table: SourceTable) -> str:
        return quoted(table.name)

    def tables(self) -> Mapping[str, SourceTable]:
        return {table.name: table for table in described_tables(self._raw, self._database)}

    def adapted(self, table: SourceTable, column: SourceColumn, value: Any) -> Any:  # noqa: ANN401 - any value
        del table
        return for_mariadb(column.type.lower(), value)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, tuple(values) or None)
                return list(cursor.fetchall()) if cursor.description else []
        except self._driver.Error as error:
            raise self._told(error) from error

    def insert_giving(self, statement: str, values: Sequence[Any], key: str) -> int:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, tuple(values))
                if not cursor.lastrowid:
                    raise RowRefusedError(f"the column {key} does not number its rows")
                return int(cursor.lastrowid)
        except self._driver.Error as error:
            raise self._told(error) from error

    def begin(self) -> None:
        self.execute("START TRANSACTION")

    def commit(self) -> None:
        self.execute("COMMIT")

    def rollback(self) -> None:
        try:
            self._connection.rollback()
        except self._driver.Error:
            self.close()  # with the connection goes the transaction

    def tags(self, tag: str) -> tuple[Sequence[str], Sequence[str]]:
        first, last = tag_statements(self._kind, tag, self._options)
        return [each.replace("%", "%%") for each in first], last

    def close(self) -> None:
        if self._connection.open:
            self._connection.close()

    def _raw(self, query: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def _told(self, error: Exception) -> Exception:
        number = error.args[0] if error.args else 0
        if number in _REFUSED or isinstance(error, self._driver.IntegrityError | self._driver.DataError):
            return RowRefusedError(said(error))
        return LegacyWriteError(f"{self._place}: {said(error)}", transient=number in _PASSING)
