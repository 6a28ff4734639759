"""Reads a SQLite file through one read transaction. Each value keeps the type it has, whatever its column declares."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Literal

from caravan.migration.load.readers.collection_files import choose
from caravan.migration.load.readers.errors import SourceDamaged, SourceUnreadable
from caravan.migration.load.readers.key_ranges import bounds_query, condition, only, ranges_of
from caravan.migration.load.readers.protocol import BrokenRecord, CollectionInfo, Record
from caravan.migration.load.readers.rows import RowMaker
from caravan.migration.load.readers.rules import REFUSE_ALL, Rules
from caravan.migration.load.readers.sqlite_text import ID_FUNCTION, id_function
from caravan.migration.load.readers.sqlite_values import as_stored, parser_of
from caravan.migration.load.readers.tables import KeyRange, Snapshot, SourceColumn, SourceTable
from caravan.migration.load.readers.text_lines import TextLines, TextSource

__all__ = ["SqliteReader", "described_tables", "quoted"]

_QUOTE: Final = b"'"
_TWO_QUOTES: Final = b"''"


def quoted(name: str) -> str:
    """Return a name as SQL."""
    return '"' + name.replace('"', '""') + '"'


class SqliteReader:
    """The file is opened read-only; writers in WAL mode go on beside, in other modes they wait."""

    format: Literal["row"] = "row"
    dialect: Literal["sqlite"] = "sqlite"

    def __init__(self, path: Path, rules: Rules = REFUSE_ALL) -> None:
        self._path = path
        self.rules = rules
        self._done = self._total = 0
        try:
            self._connection = _opened(path)
            self._tables = {table.name: table for table in described_tables(self._connection)}
        except sqlite3.Error as error:
            raise SourceUnreadable(f"{path} cannot be read as SQLite: {error}") from error

    def collections(self) -> Mapping[str, CollectionInfo]:
        return {
            name: CollectionInfo(name, "main", (self._path,), self._path.stat().st_size, table.rows)
            for name, table in self._tables.items()
        }

    def tables(self) -> Mapping[str, SourceTable]:
        return self._tables

    def snapshot(self) -> Snapshot:
        return Snapshot("transaction")

    def ranges(self, table: str, parts: int) -> list[KeyRange]:
        found = self._tables[choose(self.collections(), table, self._path).name]
        keys = [f"quote({column})" for column in found.order]
        query = bounds_query(found, keys, quoted(found.name), parts)
        if query is None:
            return [KeyRange()]
        return ranges_of(
            [tuple(map(_literal, bound)) for bound in self._connection.execute(query).fetchall()]
        )

    def read(self, collection: str) -> Iterator[Record | BrokenRecord]:
        return self.read_range(collection, KeyRange())

    def read_range(self, table: str, within: KeyRange) -> Iterator[Record | BrokenRecord]:
        found = self._tables[choose(self.collections(), table, self._path).name]
        names = [column.name for column in found.columns]
        maker = RowMaker(found, names, [parser_of(found, name, self.rules) for name in names])
        columns = ", ".join(f"{quoted(name)}" for name in names)
        query = f"SELECT {columns} FROM {quoted(found.name)}{condition(found, within)}"  # noqa: S608 - quoted names
        self._done, self._total = 0, found.rows or 0
        last_good = -1
        try:
            with closing(self._connection.execute(query)) as cursor:
                for ordinal, values in enumerate(cursor):
                    self._done = ordinal + 1
                    record = maker.record(ordinal, ordinal, values)
                    if type(record) is Record:
                        last_good = ordinal
                    yield record
        except sqlite3.DatabaseError as error:
            raise SourceDamaged.at(
                self._path, 0, last_good, f"table {found.name} cannot be read on ({error})"
            ) from error

    def text_lines(self, table: str, source: TextSource, after: KeyRange, most: int) -> TextLines:
        """As ``TextReader`` says."""
        found = self._tables[choose(self.collections(), table, self._path).name]
        self._total = found.rows or 0
        if after.after is None:
            self._done = 0
        name = quoted(found.name)
        keys = ", ".join(f"quote({column})" for column in found.order)
        try:
            last = self._connection.execute(
                f"SELECT {keys} FROM {name}{condition(found, after)} LIMIT 1 OFFSET {most - 1}"  # noqa: S608 - quoted names
            ).fetchone()
            within = KeyRange(after.after, None if last is None else tuple(map(_literal, last)))
            rows, text, odd = self._connection.execute(
                f"SELECT count(*), group_concat({source.line}, ''), max({source.odd or 0})"  # noqa: S608 - quoted names
                f" FROM {name}{only(found, within)}"
            ).fetchone()
        except sqlite3.DatabaseError as error:
            raise SourceDamaged.at(
                self._path, 0, self._done - 1, f"table {found.name} cannot be read on ({error})"
            ) from error
        self._done += rows
        lines = text.encode() if isinstance(text, str) else text
        whole = lines is not None and lines.count(b"\n") == rows
        return TextLines(rows, lines if whole else None, odd=bool(odd), within=within)

    def position(self) -> tuple[int, int]:
        return self._done, self._total

    def close(self) -> None:
        self._connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.text_factory = as_stored
    connection.create_function(ID_FUNCTION, 2, id_function(), deterministic=True)
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # takes the snapshot
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def described_tables(connection: sqlite3.Connection) -> Iterator[SourceTable]:
    """Yield the tables; ``order`` is the rowid where there is one."""
    listed = connection.execute(
        "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY name"
    ).fetchall()
    for name, without_rowid in listed:
        text = str(name)
        if not text.startswith("sqlite_"):
            yield _table(connection, text, without_rowid=bool(without_rowid))


def _table(connection: sqlite3.Connection, name: str, *, without_rowid: bool) -> SourceTable:
    described: list[Any] = connection.execute(f"PRAGMA table_xinfo({quoted(name)})").fetchall()
    # hidden: 1 of a virtual table, 2 and 3 generated columns
    columns = tuple(
        SourceColumn(str(row[1]), str(row[2]), not row[3], generated=row[6] in (2, 3))
        for row in described
        if row[6] != 1
    )
    key = tuple(str(row[1]) for row in sorted(described, key=lambda row: int(row[5])) if row[5])
    taken = {column.name.lower() for column in columns}
    # A declared key of a rowid table may hold NULL, even several; the rowid never does.
    rowid = next((alias for alias in ("rowid", "_rowid_", "oid") if alias not in taken), None)
    order = tuple(map(quoted, key)) if without_rowid or rowid is None else (rowid,)
    (rows,) = connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()  # noqa: S608 - quoted
    return SourceTable(name, "main", columns, key, order, int(rows), tuple(_references(connection, name)))


def _references(connection: sqlite3.Connection, name: str) -> Iterator[tuple[str, str]]:
    """Yield the foreign keys of one column, as ``PRAGMA foreign_key_list`` gives them (id, seq, table, from, to)."""
    listed: list[Any] = connection.execute(f"PRAGMA foreign_key_list({quoted(name)})").fetchall()
    parts = Counter(row[0] for row in listed)
    for row in sorted(listed):
        if parts[row[0]] == 1:
            yield str(row[3]), str(row[2])


def _literal(value: object) -> str:
    if isinstance(value, bytes):  # a text that is no UTF-8, in quotes
        return f"CAST(x'{value[1:-1].replace(_TWO_QUOTES, _QUOTE).hex()}' AS TEXT)"
    return str(value)
