"""Reads MariaDB and MySQL through one consistent snapshot, row by row, with the bytes of each value as they are stored.

The session asks for results without conversion (``character_set_results = NULL``), so that text arrives in the character
set of its column and invalid bytes can be told; https://mariadb.com/kb/en/server-system-variables/#character_set_results.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import unquote, urlsplit

from caravan.migration.load.readers.collection_files import choose
from caravan.migration.load.readers.errors import SourceLost, SourceUnreadable
from caravan.migration.load.readers.key_ranges import bounds_query, condition, only, ranges_of
from caravan.migration.load.readers.mariadb_schema import described_tables, quoted
from caravan.migration.load.readers.mariadb_values import base_type, parser_of
from caravan.migration.load.readers.protocol import BrokenRecord, CollectionInfo, Record
from caravan.migration.load.readers.rows import RowMaker
from caravan.migration.load.readers.rules import REFUSE_ALL, Rules
from caravan.migration.load.readers.source_url import without_password
from caravan.migration.load.readers.tables import KeyRange, Snapshot, SourceColumn, SourceTable
from caravan.migration.load.readers.text_lines import TextLines, TextSource

if TYPE_CHECKING:
    import pymysql

__all__ = ["SESSION", "MariadbReader", "connected", "driver_module", "literal_of", "said", "selected"]

_PORT: Final = 3306
SESSION: Final = (
    "SET NAMES utf8mb4",
    "SET SESSION character_set_results = NULL, time_zone = '+00:00', sql_mode = 'NO_BACKSLASH_ESCAPES'",
    "SET SESSION net_write_timeout = 3600, wait_timeout = 28800, group_concat_max_len = 1073741824",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
)
_LOCKED: Final = 1205
_LOCK_WAIT: Final = 30
"""Seconds that a table which somebody holds, or changes, is waited for."""


class MariadbReader:
    """``url``: ``mysql://user:password@host:port/database``, with ``?unix_socket=…`` where there is one."""

    format: Literal["row"] = "row"
    dialect: Literal["mariadb"] = "mariadb"

    def __init__(self, url: str, rules: Rules = REFUSE_ALL) -> None:
        self._place = without_password(url)
        self.rules = rules
        self._done = self._total = 0
        driver = driver_module()
        try:
            self._connection = connected(url)
        except driver.Error as error:
            raise SourceUnreadable(f"{self._place} cannot be reached: {said(error)}") from error
        try:
            self._snapshot = self._begin()
            self._tables = {table.name: table for table in described_tables(self._rows, self._database)}
        except driver.Error as error:
            self._connection.close()
            raise SourceUnreadable(f"{self._place} cannot be read: {said(error)}{_held(error)}") from error

    @property
    def _database(self) -> str:
        return str(
            self._connection.db.decode() if isinstance(self._connection.db, bytes) else self._connection.db
        )

    def collections(self) -> Mapping[str, CollectionInfo]:
        return {
            name: CollectionInfo(name, table.schema, (), 0, table.rows)
            for name, table in self._tables.items()
        }

    def tables(self) -> Mapping[str, SourceTable]:
        return self._tables

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def ranges(self, table: str, parts: int) -> list[KeyRange]:
        found = self._found(table)
        literals = [literal_of(found.column(name)) for name in found.key]
        query = bounds_query(found, literals, self._full_name(found), parts)
        if query is None:
            return [KeyRange()]
        return ranges_of([tuple(str(part, "ascii") for part in bound) for bound in self._rows(query)])

    def read(self, collection: str) -> Iterator[Record | BrokenRecord]:
        return self.read_range(collection, KeyRange())

    def read_range(self, table: str, within: KeyRange) -> Iterator[Record | BrokenRecord]:
        found = self._found(table)
        try:
            maker = RowMaker(
                found,
                [column.name for column in found.columns],
                [parser_of(column, self.rules) for column in found.columns],
            )
        except LookupError as error:
            raise SourceUnreadable(f"{self._place}, table {found.name}: {error.args[0]}") from error
        columns = ", ".join(map(selected, found.columns))
        query = f"SELECT {columns} FROM {self._full_name(found)}{condition(found, within)}"  # noqa: S608 - quoted names
        self._done, self._total = 0, found.rows or 0
        last_good = -1
        try:
            with self._unbuffered() as cursor:
                cursor.execute(query)
                for ordinal, values in enumerate(cursor):
                    self._done = ordinal + 1
                    record = maker.record(ordinal, ordinal, values)
                    if type(record) is Record:
                        last_good = ordinal
                    yield record
        except driver_module().Error as error:
            raise SourceLost.in_table(self._place, found.name, last_good, said(error)) from error

    def text_lines(self, table: str, source: TextSource, after: KeyRange, most: int) -> TextLines:
        """As ``TextReader`` says; what the server cannot send in one value has no text."""
        found = self._found(table)
        self._total = found.rows or 0
        if after.after is None:
            self._done = 0
        name = self._full_name(found)
        key = ", ".join(literal_of(found.column(part)) for part in found.key)
        try:
            last = self._rows(
                f"SELECT {key} FROM {name}{condition(found, after)} LIMIT {most - 1}, 1"  # noqa: S608 - quoted names
            )
            upto = tuple(str(part, "ascii") for part in last[0]) if last else None
            within = KeyRange(after.after, upto)
            ((rows, text),) = self._rows(
                f"SELECT count(*), group_concat({source.line} SEPARATOR '')"  # noqa: S608 - quoted names
                f" FROM {name}{only(found, within)}"
            )
        except driver_module().Error as error:
            raise SourceLost.in_table(self._place, found.name, self._done - 1, said(error)) from error
        count = int(rows)
        self._done += count
        # Beyond max_allowed_packet the server cuts, or says NULL.
        whole = text is not None and text.endswith(b"\n") and text.count(b"\n") == count
        return TextLines(count, text if whole else None, odd=False, within=within)

    def position(self) -> tuple[int, int]:
        return self._done, self._total

    def close(self) -> None:
        if self._connection.open:
            self._connection.close()

    @contextmanager
    def _unbuffered(self) -> "Iterator[pymysql.cursors.SSCursor]":
        """Give a cursor that streams; of a connection that broke it is dropped, as the driver would read on from nothing."""
        from pymysql.cursors import SSCursor  # noqa: PLC0415 - the driver is an extra

        cursor = self._connection.cursor(SSCursor)
        try:
            yield cursor
        finally:
            if not self._connection.open:
                result: Any = vars(cursor)["_result"]  # the driver has no public way
                if result is not None:
                    result.unbuffered_active = False
                cursor.connection = None  # type: ignore[assignment]  # as the driver's own close leaves it
            cursor.close()

    def _found(self, table: str) -> SourceTable:
        return self._tables[choose(self.collections(), table, self._place).name]

    def _full_name(self, table: SourceTable) -> str:
        return f"{quoted(table.schema)}.{quoted(table.name)}"

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def _begin(self) -> Snapshot:
        """Open the snapshot. MariaDB tells the position that belongs to it; of MySQL one is taken before it."""
        for statement in (*SESSION, f"SET SESSION lock_wait_timeout = {_LOCK_WAIT}"):
            self._rows(statement)
        mariadb = b"mariadb" in self._rows("SELECT version()")[0][0].lower()
        before = "" if mariadb else self._mysql_position()
        self._rows("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        return Snapshot("transaction", self._mariadb_position() if mariadb else before)

    def _mariadb_position(self) -> str:
        found = {
            name.decode(): value.decode()
            for name, value in self._rows("SHOW STATUS LIKE 'binlog_snapshot_%'")
        }
        file, place = found.get("Binlog_snapshot_file", ""), found.get("Binlog_snapshot_position", "")
        if not file:
            return ""
        gtid = self._rows(f"SELECT binlog_gtid_pos('{file}', {int(place)})")[0][0]
        return f"{file}:{place}" + (f" gtid {gtid.decode()}" if gtid else "")

    def logs_what_it_replicates(self) -> bool:
        """Whether the binary log holds every change, also those that come from another server.

        Only then snapshots that stand at one place of the log are one; asking needs the right REPLICA MONITOR on a replica.
        """
        try:
            if self._rows("SELECT @@GLOBAL.log_slave_updates")[0][0] == b"1":
                return True
            return not self._rows("SHOW SLAVE STATUS")
        except driver_module().Error:
            return False

    def _mysql_position(self) -> str:
        """Changes from here on include all that the snapshot lacks, and some that it has: apply them by row position."""
        gtids = self._rows("SELECT @@GLOBAL.gtid_executed")[0][0]
        return f"gtid {gtids.decode()}" if gtids else ""


def _held(error: Exception) -> str:
    if not error.args or error.args[0] != _LOCKED:
        return ""
    return f" (somebody has held a table for {_LOCK_WAIT} s, by LOCK TABLES or a statement that changes it; wait for its end)"


def driver_module() -> "Any":  # noqa: ANN401 - the module
    """Return PyMySQL; raises ``SourceUnreadable`` where it is not installed."""
    try:
        import pymysql  # noqa: PLC0415 - an extra
    except ImportError:
        raise SourceUnreadable(
            "reading MariaDB and MySQL needs the extra mysql: pip install 'caravan-migrate[mysql]'"
        ) from None
    return pymysql


def connected(url: str) -> "pymysql.connections.Connection[Any]":
    """Return a connection whose results are bytes, as the server sends them."""
    from pymysql.converters import encoders  # noqa: PLC0415 - the driver is an extra

    parts = urlsplit(url)
    database = unquote(parts.path.strip("/"))
    if not database:
        raise SourceUnreadable(f"{without_password(url)} names no database; write mysql://host/database")
    options = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    unknown = options.keys() - {"unix_socket", "ssl_ca"}
    if unknown:
        raise SourceUnreadable(
            f"{without_password(url)}: {min(unknown)!r} is no option; known are unix_socket, ssl_ca"
        )
    connection: pymysql.connections.Connection[Any] = driver_module().connect(
        host=parts.hostname or "localhost",
        port=parts.port or _PORT,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=database,
        unix_socket=unquote(options["unix_socket"]) if "unix_socket" in options else None,
        ssl_ca=unquote(options["ssl_ca"]) if "ssl_ca" in options else None,
        use_unicode=False,
        charset="utf8mb4",
        conv=dict(encoders),
        connect_timeout=10,
        autocommit=True,
    )
    return connection


def selected(column: SourceColumn) -> str:
    """Return the column as it is asked for: a FLOAT as the double it equals, since its text has but six digits."""
    name = quoted(column.name)
    return f"CAST({name} AS DOUBLE)" if base_type(column.type) == "float" else name


def literal_of(column: SourceColumn, row: str = "") -> str:
    """Return an expression whose value is the column's value as a literal; ``row`` is ``NEW.`` or ``OLD.`` in a trigger."""
    name = row + quoted(column.name)
    kind = base_type(column.type)
    if column.charset:
        # x'' and not 0x: of an empty text nothing would stand behind 0x.
        return f"concat('CONVERT(x''', hex({name}), ''' USING {column.charset}) COLLATE {column.collation}')"
    if kind in _NUMBERS:
        return f"CAST({name} AS CHAR)"
    if kind in {"binary", "varbinary", "blob", "bit"}:
        return f"concat('x''', hex({name}), '''')"
    return f"quote(CAST({name} AS CHAR))"


_NUMBERS: Final = frozenset(
    {"tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year", "decimal", "double", "float"}
)


def said(error: Exception) -> str:
    """Return what the server said, without its number."""
    return str(error.args[1]) if len(error.args) > 1 else str(error)
