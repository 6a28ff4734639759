"""Writing back to a store of tables: the same statements everywhere, words and values by dialect."""
# ruff: noqa: S608 - statements are what this file is for; names in them are quoted by the dialect

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, Protocol, cast
from uuid import UUID

from caravan.core.ids import LegacyTag
from caravan.migration.load.readers import SourceColumn, SourceTable
from caravan.migration.mapping.keys import typed_key
from caravan.migration.sync.errors import FlowReplacedError
from caravan.migration.sync.legacy.writer import KEYS, POSITIONS, LegacyBatch, RowRefusedError, Stamp

__all__ = ["SqlDialect", "SqlWriter"]

_TEXTUAL: Final = ("char", "text", "uuid", "clob")


class SqlDialect(Protocol):
    """One connection. What it raises is ``RowRefusedError`` for a row, ``LegacyWriteError`` for the store."""

    @property
    def parameter(self) -> str:
        """The placeholder of a value."""

    @property
    def making(self) -> Sequence[str]:
        """The statements that make ``caravan_positions`` and ``caravan_keys`` where they are not there."""

    def quoted(self, name: str) -> str: ...

    def full_name(self, table: SourceTable) -> str: ...

    def tables(self) -> Mapping[str, SourceTable]:
        """Return the tables by the name that the reader gives them."""

    def adapted(self, table: SourceTable, column: SourceColumn, value: Any) -> Any:  # noqa: ANN401 - any value
        """Return what the driver takes for a value of this column."""

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows, if it has any."""

    def insert_giving(self, statement: str, values: Sequence[Any], key: str) -> Any:  # noqa: ANN401 - a key
        """Run an INSERT and return the value that the store gave to the column ``key``."""

    def begin(self) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def tags(self, tag: str) -> tuple[Sequence[str], Sequence[str]]:
        """Return what is run first and last in a transaction so that the capture knows it."""

    def close(self) -> None: ...


class SqlWriter:
    """Implements ``LegacyWriter`` over a dialect."""

    shape: Literal["row"] = "row"

    def __init__(self, dialect: SqlDialect) -> None:
        self._dialect = dialect
        self._tables = dialect.tables()

    def prepare(self) -> None:
        for statement in self._dialect.making:
            self._dialect.execute(statement)

    @contextmanager
    def batch(self, stamp: Stamp) -> Iterator[LegacyBatch]:
        dialect = self._dialect
        first, last = dialect.tags(stamp.tag)
        dialect.begin()
        try:
            for statement in first:
                dialect.execute(statement)
            self._stamp(stamp)
            yield _SqlBatch(dialect, self._tables)
            for statement in last:
                dialect.execute(statement)
            dialect.commit()
        except BaseException:
            dialect.rollback()
            raise

    def close(self) -> None:
        self._dialect.close()

    def _stamp(self, stamp: Stamp) -> None:
        p, table = self._dialect.parameter, self._dialect.quoted(POSITIONS)
        found = self._dialect.execute(f"SELECT epoch FROM {table} WHERE flow = {p}", (stamp.flow,))
        if found and int(found[0][0]) > stamp.epoch:
            raise FlowReplacedError(f"The flow {stamp.flow} writes with the epoch {found[0][0]} since.")
        values = (stamp.epoch, stamp.position.number, stamp.position.resume, stamp.flow)
        if found:
            self._dialect.execute(
                f"UPDATE {table} SET epoch = {p}, number = {p}, resume = {p} WHERE flow = {p}", values
            )
        else:
            self._dialect.execute(
                f"INSERT INTO {table} (epoch, number, resume, flow) VALUES ({p}, {p}, {p}, {p})", values
            )


class _SqlBatch:
    def __init__(self, dialect: SqlDialect, tables: Mapping[str, SourceTable]) -> None:
        self._dialect, self._tables = dialect, tables

    def given_key(self, collection: str, row_id: UUID) -> tuple[LegacyTag, str] | None:
        p, keys = self._dialect.parameter, self._dialect.quoted(KEYS)
        found = self._dialect.execute(
            f"SELECT tag, legacy_key FROM {keys} WHERE row_id = {p} AND collection = {p}",
            (str(row_id), collection),
        )
        return (cast("LegacyTag", _text(found[0][0])), _text(found[0][1])) if found else None

    def insert(
        self, collection: str, row_id: UUID, key: Collection[str], document: Mapping[str, Any]
    ) -> tuple[LegacyTag, str]:
        table = self._table(collection)
        if len(key) != 1:
            raise RowRefusedError(
                f"{collection}: nobody gives the parts of the key {', '.join(key) or 'it lacks'}"
            )
        (name,) = key
        cells = self._cells(table, document, ())
        declared = self._column(table, name).type.lower()
        if any(word in declared for word in _TEXTUAL):
            value: Any = row_id if declared == "uuid" else str(row_id)
            self._insert(table, {**cells, name: str(row_id)})
        else:
            value = self._dialect.insert_giving(*self._inserting(table, cells), name)
        given = typed_key(value)
        self._note(collection, row_id, given)
        return given

    def put(
        self,
        collection: str,
        key: Mapping[str, Any],
        document: Mapping[str, Any],
        *,
        kept: Collection[str] = (),
    ) -> None:
        table = self._table(collection)
        cells = self._cells(table, document, [*key, *kept])
        where, found = self._where(table, key)
        name, p = self._dialect.full_name(table), self._dialect.parameter
        if not self._dialect.execute(f"SELECT 1 FROM {name} WHERE {where}", found):
            self._insert(table, self._cells(table, {**document, **key}, ()))
        elif cells:
            changes = ", ".join(f"{self._dialect.quoted(column)} = {p}" for column in cells)
            self._dialect.execute(f"UPDATE {name} SET {changes} WHERE {where}", [*cells.values(), *found])

    def remove(self, collection: str, key: Mapping[str, Any]) -> None:
        table = self._table(collection)
        where, found = self._where(table, key)
        self._dialect.execute(f"DELETE FROM {self._dialect.full_name(table)} WHERE {where}", found)

    def _note(self, collection: str, row_id: UUID, key: tuple[LegacyTag, str]) -> None:
        p, keys = self._dialect.parameter, self._dialect.quoted(KEYS)
        self._dialect.execute(
            f"INSERT INTO {keys} (row_id, collection, tag, legacy_key) VALUES ({p}, {p}, {p}, {p})",
            (str(row_id), collection, *key),
        )

    def _insert(self, table: SourceTable, cells: Mapping[str, Any]) -> None:
        self._dialect.execute(*self._inserting(table, cells))

    def _inserting(self, table: SourceTable, cells: Mapping[str, Any]) -> tuple[str, list[Any]]:
        columns = ", ".join(self._dialect.quoted(name) for name in cells)
        values = ", ".join(self._dialect.parameter for _ in cells)
        return f"INSERT INTO {self._dialect.full_name(table)} ({columns}) VALUES ({values})", list(
            cells.values()
        )

    def _where(self, table: SourceTable, key: Mapping[str, Any]) -> tuple[str, list[Any]]:
        condition = " AND ".join(f"{self._dialect.quoted(name)} = {self._dialect.parameter}" for name in key)
        return condition, [
            self._dialect.adapted(table, self._column(table, name), value) for name, value in key.items()
        ]

    def _cells(
        self, table: SourceTable, document: Mapping[str, Any], left_out: Collection[str]
    ) -> dict[str, Any]:
        """Return the values of the columns there are and that may be written."""
        return {
            column.name: self._dialect.adapted(table, column, document[column.name])
            for column in table.columns
            if column.name in document and column.name not in left_out and not column.generated
        }

    def _table(self, collection: str) -> SourceTable:
        if collection not in self._tables:
            raise RowRefusedError(f"the store has no table {collection}")
        return self._tables[collection]

    def _column(self, table: SourceTable, name: str) -> SourceColumn:
        try:
            return table.column(name)
        except KeyError:
            raise RowRefusedError(f"the table {table.name} has no column {name}") from None


def _text(value: Any) -> str:  # noqa: ANN401 - text or bytes, as the driver likes
    return value.decode() if isinstance(value, bytes) else str(value)
