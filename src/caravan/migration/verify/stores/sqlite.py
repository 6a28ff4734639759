"""A table of a SQLite file. The store lives in this process: hashing a row in a function of ours is hashing it here."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from caravan.migration.load.readers import ColumnRule
from caravan.migration.load.readers.declared_values import declared
from caravan.migration.load.readers.rows import OddValueError
from caravan.migration.load.readers.sqlite import quoted
from caravan.migration.load.readers.sqlite_values import as_stored
from caravan.migration.verify.errors import NotComparableError, SideLostError
from caravan.migration.verify.float_bits import double_of
from caravan.migration.verify.pairs.agreement import Agreement, Described
from caravan.migration.verify.pairs.cells import odd
from caravan.migration.verify.pairs.kinds import Agreed, StoredColumn
from caravan.migration.verify.pairs.literals import number, quoted_text
from caravan.migration.verify.pairs.tables import Prepared, Way
from caravan.migration.verify.pairs.value_texts import text_maker
from caravan.migration.verify.stores.dialect import Normal, Session, Text, number_of_rows
from caravan.migration.verify.stores.prepared import PreparedSide

__all__ = ["SqliteTable"]

_GENERATED: Final = (2, 3)


class SqliteTable:
    """``rules`` say by ``table.column`` what values mean, as ``[sources.NAME] columns`` of the migration file does."""

    position = ""

    def __init__(self, path: Path, table: str, rules: Mapping[str, ColumnRule] | None = None) -> None:
        self._table = table
        self._path = path
        self._rules = rules or {}
        try:
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise SideLostError(f"{path} cannot be read as SQLite: {error}") from error
        self._connection.text_factory = as_stored
        try:
            self._connection.execute("BEGIN")
            self.described = self._describe()
        except sqlite3.Error as error:
            self.close()
            raise SideLostError(f"{path}, table {table}: {error}") from error
        except BaseException:
            self.close()
            raise

    def _describe(self) -> Described:
        """Take the snapshot and read the columns; any of them may hold values of any type, declared keys NULL among them."""
        found = self._connection.execute(f"PRAGMA table_xinfo({quoted(self._table)})").fetchall()
        if not found:
            raise NotComparableError(f"{self._path} has no table {self._table}")
        key = [str(row[1]) for row in sorted(found, key=lambda row: int(row[5])) if row[5]]
        whole = len(key) == 1
        columns = tuple(
            StoredColumn(
                str(row[1]),
                str(row[2]) or "any",
                "any",
                nullable=not (row[3] or (whole and row[5] and str(row[2]).upper() == "INTEGER")),
                ordered="INT" in str(row[2]).upper(),
            )
            for row in found
        )
        return Described(self._table, columns, tuple(key))

    def renders(self, agreement: Agreement, side: Literal["left", "right"]) -> frozenset[str]:
        del side
        return frozenset(column.name for column in agreement.columns)

    def prepare(
        self, agreement: Agreement, side: Literal["left", "right"], ways: Mapping[str, Way]
    ) -> Prepared:
        dialect = _SqliteDialect(f"{self._path}, table {self._table}", self._table, self._rules)
        return PreparedSide(
            dialect,
            [_SqliteSession(self._connection)],
            quoted(self._table),
            agreement,
            side,
            ways,
        )

    def close(self) -> None:
        self._connection.close()


class _SqliteSession:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, query: str) -> Sequence[Sequence[Any]]:
        return self._connection.execute(query).fetchall()

    def stream(self, query: str) -> Iterator[Sequence[Any]]:
        with closing(self._connection.execute(query)) as cursor:
            yield from cursor


class _SqliteDialect:
    samples = False

    def __init__(self, place: str, table: str, rules: Mapping[str, ColumnRule]) -> None:
        self._place = place
        self._table = table
        self._rules = rules

    def quoted(self, name: str) -> str:
        return quoted(name)

    def text(self, column: Agreed, own: StoredColumn) -> Text:
        rule = self._rules.get(f"{self._table}.{own.name}")
        make = text_maker(column)
        return Text(quoted(own.name), make if rule is None else _ruled(rule, make))

    def literal(self, column: Agreed, text: str) -> str:
        if text.startswith("?"):
            return f"CAST(x{quoted_text(text[1:])} AS TEXT)"
        if column.kind in ("integer", "decimal"):
            return number(text)
        if column.kind == "float":
            return repr(double_of(text))
        return f"x{quoted_text(text[1:])}" if column.kind == "bytes" else quoted_text(text)

    def bounds(
        self,
        session: Session,
        source: str,
        names: Sequence[str],
        texts: Sequence[str],
        where: str,
        parts: int,
    ) -> Sequence[Sequence[Any]]:
        order = ", ".join(names)
        inner = ", ".join(f"{one} AS t{number}" for number, one in enumerate(texts))
        outer = ", ".join(f"t{number}" for number in range(len(texts)))
        rows = number_of_rows(session, f"{source}{where}")
        step = max(1, -(-rows // parts))
        return session.rows(
            f"SELECT {outer} FROM (SELECT {inner}, row_number() OVER (ORDER BY {order}) AS n FROM {source}{where})"  # noqa: S608 - quoted names, literals of kinds
            f" WHERE n % {step} = 0 AND n < {rows} ORDER BY n"
        )

    def count(self, session: Session, source: str) -> int:
        return number_of_rows(session, source)

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SideLostError(f"{self._place}: {error}") from error


def _ruled(rule: ColumnRule, make: Normal) -> Normal:
    meant = declared(rule)

    def text(value: Any) -> str:  # noqa: ANN401 - any value of SQLite
        try:
            return make(meant(value))
        except OddValueError:
            return odd(value)

    return text
