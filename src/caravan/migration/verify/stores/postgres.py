"""A table of PostgreSQL that hashes itself: one exported snapshot, as many connections as wanted."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

import psycopg
from psycopg import sql

from caravan.migration.verify.errors import SideLostError
from caravan.migration.verify.pairs.agreement import Agreement
from caravan.migration.verify.pairs.json_texts import json_of_text
from caravan.migration.verify.pairs.kinds import Agreed, StoredColumn
from caravan.migration.verify.pairs.tables import Prepared, Way
from caravan.migration.verify.stores.dialect import Session, Text, number_of_rows
from caravan.migration.verify.stores.postgres_rendering import literal, quoted, renders, row, text
from caravan.migration.verify.stores.postgres_schema import described
from caravan.migration.verify.stores.prepared import PreparedSide

__all__ = ["PostgresTable"]

_SETTINGS: Final = (
    "-c datestyle=ISO,YMD -c timezone=UTC -c extra_float_digits=1 -c bytea_output=hex -c client_encoding=UTF8"
    " -c standard_conforming_strings=on -c default_transaction_read_only=on -c statement_timeout=0 -c jit=off"
    " -c idle_in_transaction_session_timeout=0 -c row_security=off -c work_mem=64MB"
    " -c max_parallel_workers_per_gather=0"
)
_POSITION: Final = (
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text"
)
_SAMPLED: Final = 40_000
_STREAMED: Final = 10_000


class PostgresTable:
    """``address`` as libpq takes it, ``table`` as SQL names it (``orders``, ``shop.orders``)."""

    def __init__(self, address: str, table: str, *, connections: int = 1) -> None:
        self._table = table
        self._open: list[psycopg.Connection[Any]] = []
        try:
            first = _connected(address)
            self._open.append(first)
            self.position = str((first.execute(_POSITION).fetchone() or ("",))[0] or "")
            first.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._join(address, connections)
            self.described = described(first, table)
        except psycopg.Error as error:
            self.close()
            raise SideLostError(f"PostgreSQL, table {table}: {_said(error)}") from error
        except BaseException:
            self.close()
            raise

    def _join(self, address: str, connections: int) -> None:
        if connections < 2:  # noqa: PLR2004 - the first is there already
            return
        exported = self._open[0].execute("SELECT pg_export_snapshot()").fetchone()
        name = sql.Literal(exported[0] if exported else "")
        for _ in range(connections - 1):
            other = _connected(address)
            self._open.append(other)
            other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            other.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(name))

    def renders(self, agreement: Agreement, side: Literal["left", "right"]) -> frozenset[str]:
        return frozenset(column.name for column in agreement.columns if renders(column, column.of(side)))

    def prepare(
        self, agreement: Agreement, side: Literal["left", "right"], ways: Mapping[str, Way]
    ) -> Prepared:
        sessions = [_PostgresSession(connection) for connection in self._open]
        source = ".".join(map(quoted, self._table.split(".")))
        dialect = _PostgresDialect(self._table)
        return PreparedSide(dialect, sessions, source, agreement, side, ways, hashing=dialect)

    def close(self) -> None:
        for connection in self._open:
            connection.close()


class _PostgresSession:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def rows(self, query: str) -> Sequence[Sequence[Any]]:
        with self._connection.transaction():  # a savepoint: the snapshot outlives a query that fails
            return self._connection.execute(query.encode()).fetchall()

    def stream(self, query: str) -> Iterator[Sequence[Any]]:
        with self._connection.cursor("caravan_verify") as cursor:
            cursor.itersize = _STREAMED
            cursor.execute(query.encode())
            yield from cursor


class _PostgresDialect:
    samples = True

    def __init__(self, table: str) -> None:
        self._table = table

    def quoted(self, name: str) -> str:
        return quoted(name)

    def text(self, column: Agreed, own: StoredColumn) -> Text:
        if not renders(column, own):
            return Text(quoted(own.name), json_of_text)
        if column.kind == "boolean" and own.kind == "boolean":
            return Text(f"CASE WHEN {quoted(own.name)} THEN 't' WHEN NOT {quoted(own.name)} THEN 'f' END")
        return Text(f"({text(column, own)})::text")

    def cells(self, pairs: Sequence[tuple[Agreed, StoredColumn]]) -> str:
        return row(pairs)

    def literal(self, column: Agreed, text: str) -> str:
        return literal(column, text)

    def row_hash(self, cells: str) -> str:
        return f"md5({cells})"

    def digest(
        self, session: Session, source: str, cells: str, where: str, order: str
    ) -> tuple[int, str | None]:
        query = (
            "SELECT count(*), encode(sha256(convert_to(string_agg(r, ''), 'UTF8')), 'hex')"  # noqa: S608 - built of our expressions
            f" FROM (SELECT {cells} AS r FROM {source}{where} ORDER BY {order} OFFSET 0) AS q"
        )
        try:
            ((rows, hashed),) = session.rows(query)
        except psycopg.errors.ProgramLimitExceeded:
            return -1, None
        return rows, hashed or ""

    def joined_lines(self, session: Session, source: str, line: str, where: str) -> list[str] | None:
        ((lines,),) = session.rows(f"SELECT string_agg({line}, E'\\n') FROM {source}{where}")  # noqa: S608 - as above
        return lines.split("\n") if lines else []

    def bucket(self, key_cells: str, bits: int) -> str:
        return f"(('x' || substr(md5({key_cells}), 1, 4))::bit(16)::int >> {16 - bits})"

    def bucket_sums(self, session: Session, source: str, bucket: str, cells: str) -> Sequence[Sequence[Any]]:
        lanes = [f"sum(('x' || substr(h, {start}, 16))::bit(64)::bigint)" for start in (1, 17)]
        return session.rows(
            f"SELECT b, count(*), {lanes[0]}, {lanes[1]}"  # noqa: S608 - as above
            f" FROM (SELECT {bucket} AS b, md5({cells}) AS h FROM {source} OFFSET 0) AS q GROUP BY b"
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
        """Of many rows a sample of blocks is asked: parts are about equal, and that is all they must be."""
        estimate = 0 if where else self._estimate(session)
        sample = f" TABLESAMPLE SYSTEM ({100 * _SAMPLED / estimate:.6f})" if estimate > 2 * _SAMPLED else ""
        inner = ", ".join(f"{one} AS t{number}" for number, one in enumerate(texts))
        outer = ", ".join(f"t{number}" for number in range(len(texts)))
        order = ", ".join(names)
        return session.rows(
            f"SELECT DISTINCT ON (n) {outer} FROM (SELECT {inner}, row_number() OVER (ORDER BY {order}) AS n,"  # noqa: S608 - as above
            f" count(*) OVER () AS c FROM {source}{sample}{where}) AS q"
            f" WHERE n % greatest(1, (c + {parts - 1}) / {parts}) = 0 AND n < c ORDER BY n"
        )

    def count(self, session: Session, source: str) -> int:
        return self._estimate(session) or number_of_rows(session, source)

    def _estimate(self, session: Session) -> int:
        """The catalogue's figure; 0 of what has none, and of what cannot be sampled."""
        name = sql.Literal(self._table).as_string(None)
        found = session.rows(
            f"SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass({name}) AND relkind IN ('r', 'p', 'm')"  # noqa: S608 - a literal
        )
        return max(int(found[0][0]), 0) if found else 0

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise SideLostError(f"PostgreSQL, table {self._table}: {_said(error)}") from error


def _connected(address: str) -> psycopg.Connection[Any]:
    connection: psycopg.Connection[Any] = psycopg.connect(
        address, application_name="caravan verify", autocommit=True
    )
    for setting in _SETTINGS.split("-c ")[1:]:
        name, _, value = setting.strip().partition("=")
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    return connection


def _said(error: psycopg.Error) -> str:
    return str(error.diag.message_primary or error).strip()
