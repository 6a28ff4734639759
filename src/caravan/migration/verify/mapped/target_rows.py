"""What our tables hold of a data set: sums by bucket, and single rows, in one snapshot."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias
from uuid import UUID

import psycopg
from psycopg import sql

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.migration.load.packed_keys import unpack
from caravan.migration.mapping.contract import TargetTable
from caravan.migration.verify.encoding import MODULUS, TableSum
from caravan.migration.verify.mapped.buckets import BucketSums
from caravan.migration.verify.mapped.homes import Homes
from caravan.migration.verify.sql_rendering import cell, lane, row_hash
from caravan.migration.verify.table_sums import column_values, dangling_columns, imported_rows

__all__ = ["Cells", "TargetRows", "target_rows"]

Cells: TypeAlias = list[str]
"""A row's encoded columns, in the order of its table."""

_BUCKET: Final = sql.SQL(
    "((get_byte(uuid_send(k.row_id), 0) << 2) | (get_byte(uuid_send(k.row_id), 1) >> 6))"
)
_HASH: Final = sql.Identifier("h")


class TargetRows:
    """The rows of one data set; ``scope`` names it in SQL. ``homes`` is None where no row was born on our side."""

    def __init__(
        self, connection: psycopg.Connection, scope: Mapping[str, Any], homes: Homes | None = None
    ) -> None:
        self._connection = connection
        self.homes = homes
        self._scope = scope
        self._dangling = dangling_columns(connection, scope)

    def sums(self, tables: Iterable[TargetTable]) -> BucketSums:
        """Return the sums of every bucket."""
        found = BucketSums()
        for table in tables:
            statement = sql.SQL(
                "SELECT b, count(*), sum({a}), sum({b}) FROM (SELECT {bucket} AS b, {hash} AS h {rows} OFFSET 0) hashed"
                " GROUP BY b"
            ).format(
                a=lane(_HASH, first=True),
                b=lane(_HASH, first=False),
                bucket=_BUCKET,
                hash=row_hash(self._cells(table)),
                rows=imported_rows(table, self._dangling),
            )
            found.tables[table.name] = {
                bucket: TableSum(rows, int(first) % MODULUS, int(second) % MODULUS)
                for bucket, rows, first, second in self._connection.execute(statement, self._scope)
            }
        return found

    def of_records(self, table: TargetTable, ids: Sequence[bytes]) -> dict[bytes, dict[bytes, Cells]]:
        """Return, by record and by row id, the rows of these records."""
        statement = sql.SQL(
            "SELECT k.row_id, t.id, ARRAY[{cells}] {rows} AND k.row_id = ANY(%(ids)s)"
        ).format(cells=sql.SQL(", ").join(self._cells(table)), rows=imported_rows(table, self._dangling))
        found: dict[bytes, dict[bytes, Cells]] = {}
        values = {**self._scope, "ids": [UUID(bytes=row_id) for row_id in ids]}
        for record, row, cells in self._connection.execute(statement, values):
            found.setdefault(record.bytes, {})[row.bytes] = cells
        return found

    def keys(self, buckets: Collection[int]) -> dict[bytes, str]:
        """Return the legacy key of each record that was ever imported into these buckets, by its id."""
        statement = sql.SQL(
            "SELECT k.row_id, k.key FROM engine.legacy_keys k WHERE k.org_id = %(org)s AND k.migration = %(migration)s"
            " AND k.data_set = %(data_set)s AND {bucket} = ANY(%(buckets)s)"
        ).format(bucket=_BUCKET)
        rows = self._connection.execute(statement, {**self._scope, "buckets": list(buckets)})
        return {row[0].bytes: row[1] for row in rows}

    def keys_of(self, ids: Collection[bytes]) -> dict[bytes, str]:
        """Return the legacy key of each of these records that was ever imported, by its id."""
        rows = self._connection.execute(
            "SELECT row_id, key FROM engine.legacy_keys WHERE org_id = %(org)s AND migration = %(migration)s"
            " AND data_set = %(data_set)s AND row_id = ANY(%(ids)s)",
            {**self._scope, "ids": [UUID(bytes=row_id) for row_id in ids]},
        )
        return {row[0].bytes: row[1] for row in rows}

    def quarantined(self, ids: Sequence[bytes]) -> set[bytes]:
        """Return those of the records that the load put away."""
        rows = self._connection.execute(
            "SELECT row_id FROM engine.quarantine WHERE org_id = %(org)s AND migration = %(migration)s"
            " AND data_set = %(data_set)s AND row_id = ANY(%(ids)s)",
            {**self._scope, "ids": [UUID(bytes=row_id) for row_id in ids]},
        )
        return {row[0].bytes for row in rows}

    def applied_since(self, number: int, ids: Sequence[bytes]) -> set[bytes]:
        """Return those of the records that the flow of changes has written behind this position of the source."""
        rows = self._connection.execute(
            "SELECT row_id FROM engine.applied WHERE org_id = %(org)s AND migration = %(migration)s"
            " AND data_set = %(data_set)s AND number > %(number)s AND row_id = ANY(%(ids)s)",
            {**self._scope, "number": number, "ids": [UUID(bytes=row_id) for row_id in ids]},
        )
        return {row[0].bytes for row in rows}

    def _cells(self, table: TargetTable) -> list[sql.Composed]:
        return [cell(column, value) for column, value in column_values(table, self._dangling)]


@contextmanager
def target_rows(address: DatabaseAddress, scope: Mapping[str, Any]) -> Iterator[TargetRows]:
    """Open a snapshot of our database."""
    with psycopg.connect(
        address.libpq(Role.SYSTEM, application="caravan verify"), autocommit=True
    ) as connection:
        connection.execute("SET jit = off")
        connection.execute("SET work_mem = '64MB'")
        unpack(connection, scope["org"], scope["migration"])
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # Behind the snapshot: whatever is in it that was written back has its alias by now.
        yield TargetRows(connection, scope, Homes.of(address, scope))
        connection.execute("COMMIT")
