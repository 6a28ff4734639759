"""A table of MariaDB or MySQL that hashes itself, through one consistent snapshot on one connection."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

from caravan.migration.load.readers import SourceUnreadable, without_password
from caravan.migration.load.readers.mariadb import connected
from caravan.migration.verify.errors import SideLostError
from caravan.migration.verify.pairs.agreement import Agreement
from caravan.migration.verify.pairs.kinds import Agreed, StoredColumn
from caravan.migration.verify.pairs.tables import Prepared, Way
from caravan.migration.verify.stores.dialect import Session, Text, number_of_rows
from caravan.migration.verify.stores.mariadb_rendering import literal, quoted, row, text
from caravan.migration.verify.stores.mariadb_schema import described
from caravan.migration.verify.stores.prepared import PreparedSide

if TYPE_CHECKING:
    import pymysql

__all__ = ["MariadbTable"]

_SETTINGS: Final = (
    "SET NAMES utf8mb4",
    "SET SESSION time_zone = '+00:00', sql_mode = 'NO_BACKSLASH_ESCAPES', group_concat_max_len = 1073741824",
    "SET SESSION net_write_timeout = 3600, wait_timeout = 28800",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)


class MariadbTable:
    """``url`` as the reader takes it, ``table`` with its database where it is another than the URL's."""

    def __init__(self, url: str, table: str) -> None:
        import pymysql  # noqa: PLC0415 - an extra

        self._table = table
        self._place = without_password(url)
        try:
            self._connection = connected(url)
        except pymysql.Error as error:
            raise SourceUnreadable(f"{self._place} cannot be reached: {_said(error)}") from error
        self._session = _MariadbSession(self._connection)
        try:
            for setting in _SETTINGS:
                self._session.rows(setting)
            self.position = self._position()
            self.described = described(self._session.rows, table)
        except pymysql.Error as error:
            self.close()
            raise SideLostError(f"{self._place}, table {table}: {_said(error)}") from error
        except BaseException:
            self.close()
            raise

    def _position(self) -> str:
        """What MariaDB says of the snapshot; MySQL does not say it."""
        found = {
            str(name, "ascii"): str(value, "ascii")
            for name, value in self._session.rows("SHOW STATUS LIKE 'binlog_snapshot_%'")
        }
        file = found.get("Binlog_snapshot_file", "")
        return f"{file}:{found.get('Binlog_snapshot_position', '')}" if file else ""

    def renders(self, agreement: Agreement, side: Literal["left", "right"]) -> frozenset[str]:
        return frozenset(
            column.name for column in agreement.columns if text(column, column.of(side)).normal is None
        )

    def prepare(
        self, agreement: Agreement, side: Literal["left", "right"], ways: Mapping[str, Way]
    ) -> Prepared:
        source = ".".join(map(quoted, self._table.split(".")))
        dialect = _MariadbDialect(f"{self._place}, table {self._table}")
        return PreparedSide(dialect, [self._session], source, agreement, side, ways, hashing=dialect)

    def close(self) -> None:
        if self._connection.open:
            self._connection.close()


class _MariadbSession:
    def __init__(self, connection: "pymysql.connections.Connection[Any]") -> None:
        self._connection = connection
        self.warned = False

    def rows(self, query: str) -> Sequence[Sequence[Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            self.warned = bool(cursor.warning_count)
            return list(cursor.fetchall())

    def stream(self, query: str) -> Iterator[Sequence[Any]]:
        from pymysql.cursors import SSCursor  # noqa: PLC0415 - an extra

        with self._connection.cursor(SSCursor) as cursor:
            cursor.execute(query)
            yield from cursor


class _MariadbDialect:
    samples = False

    def __init__(self, place: str) -> None:
        self._place = place

    def quoted(self, name: str) -> str:
        return quoted(name)

    def text(self, column: Agreed, own: StoredColumn) -> Text:
        return text(column, own)

    def cells(self, pairs: Sequence[tuple[Agreed, StoredColumn]]) -> str:
        return row(pairs)

    def literal(self, column: Agreed, text: str) -> str:
        return literal(column, text)

    def row_hash(self, cells: str) -> str:
        return f"md5({cells})"

    def digest(
        self, session: Session, source: str, cells: str, where: str, order: str
    ) -> tuple[int, str | None]:
        """Rows come as the range of the key is read, in its order; were it not so, the chunk would only be looked at row by row."""
        del order
        query = f"SELECT count(*), sha2(group_concat({cells} SEPARATOR ''), 256) FROM {source}{where}"  # noqa: S608 - our expressions
        ((rows, hashed),) = session.rows(query)
        if isinstance(session, _MariadbSession) and session.warned:
            return int(rows), None
        return int(rows), str(hashed, "ascii") if hashed else ""

    def joined_lines(self, session: Session, source: str, line: str, where: str) -> list[str] | None:
        ((lines,),) = session.rows(f"SELECT group_concat({line} SEPARATOR '\n') FROM {source}{where}")  # noqa: S608 - as above
        if isinstance(session, _MariadbSession) and session.warned:
            return None
        return str(lines, "utf-8").split("\n") if lines else []

    def bucket(self, key_cells: str, bits: int) -> str:
        return f"(CAST(conv(substr(md5({key_cells}), 1, 4), 16, 10) AS UNSIGNED) >> {16 - bits})"

    def bucket_sums(self, session: Session, source: str, bucket: str, cells: str) -> Sequence[Sequence[Any]]:
        lanes = [f"sum(CAST(conv(substr(h, {start}, 16), 16, 10) AS UNSIGNED))" for start in (1, 17)]
        return session.rows(
            f"SELECT b, count(*), {lanes[0]}, {lanes[1]}"  # noqa: S608 - as above
            f" FROM (SELECT {bucket} AS b, md5({cells}) AS h FROM {source}) AS q GROUP BY b"
        )

    def bounds(
        self,
        session: Session,
        source: str,
        names: Sequence[str],
        texts: Sequence[str],
        where: str,
        parts: int,
    ) -> Sequence[Sequence[Any]]:
        inner = ", ".join(f"{one} AS t{number}" for number, one in enumerate(texts))
        outer = ", ".join(f"t{number}" for number in range(len(texts)))
        return session.rows(
            f"SELECT {outer} FROM (SELECT {inner}, row_number() OVER (ORDER BY {', '.join(names)}) AS n,"  # noqa: S608 - as above
            f" count(*) OVER () AS c FROM {source}{where}) AS q"
            f" WHERE n % greatest(1, (c + {parts - 1}) DIV {parts}) = 0 AND n < c ORDER BY n"
        )

    def count(self, session: Session, source: str) -> int:
        return number_of_rows(session, source)

    @contextmanager
    def errors(self) -> Iterator[None]:
        import pymysql  # noqa: PLC0415 - an extra

        try:
            yield
        except pymysql.Error as error:
            raise SideLostError(f"{self._place}: {_said(error)}") from error


def _said(error: Exception) -> str:
    return str(error.args[1]) if len(error.args) > 1 else str(error)
