"""Sums of rows by PostgreSQL's own hash of a record: what a chunk of text was when it was staged, and what its table holds.

One lane of 64 bits, ``hash_record_extended``, summed modulo 2**64; the other lane of ``TableSum`` stays 0. Equal values hash alike
whatever their scale. It is told apart from the sums of mapped records by a word in the ledger; the source itself is held against the target by
``caravan verify records``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from caravan.migration.mapping.contract import TargetTable
from caravan.migration.verify import TableSum, qualified
from caravan.migration.verify.encoding import MODULUS

__all__ = ["RECORD_SUM", "record_hash", "record_sum", "summed", "sums_of_text"]

RECORD_SUM: Final = "record"
_PACKED: Final = """
SELECT p.chunk, count(*), {sum} FROM (
    SELECT k.chunk, {hash} FROM engine.packed_keys k CROSS JOIN LATERAL unnest(k.row_ids) AS u (id)
    JOIN {target} t ON t.org_id = k.org_id AND t.id = u.id
    WHERE k.org_id = %(org)s AND k.migration = %(migration)s AND k.data_set = %(data_set)s OFFSET 0) p GROUP BY p.chunk
"""
_BOOKED: Final = """
SELECT p.chunk, count(*), {sum} FROM (
    SELECT k.chunk, {hash} FROM {target} t JOIN engine.legacy_keys k ON k.org_id = t.org_id AND k.row_id = t.id
    WHERE k.org_id = %(org)s AND k.migration = %(migration)s AND k.data_set = %(data_set)s OFFSET 0) p GROUP BY p.chunk
"""
_CHUNKS: Final = (
    "SELECT chunk FROM engine.packed_keys"
    " WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s"
)
_WHOLE: Final = (
    "SELECT count(*), {sum} FROM (SELECT {hash} FROM {target} t WHERE t.org_id = %(org)s OFFSET 0) p"
)


def record_hash(values: sql.Composable) -> sql.Composed:
    """Return the expression ``a`` of the hash of a row of these values."""
    return sql.SQL("hash_record_extended(ROW({}), 0) AS a").format(values)


def record_sum() -> sql.SQL:
    """Return the sum of the column ``a``, as NUMERIC that may be negative."""
    return sql.SQL("coalesce(sum(a), 0)")


def sums_of_text(
    connection: psycopg.Connection, table: TargetTable, scope: Mapping[str, Any], must: Mapping[int, TableSum]
) -> dict[int, TableSum]:
    """Return what the table holds of the chunks in ``must``, which says what the ledger has of them.

    One walk through the whole table tells whether all of them are as they were; only where it does not is each looked for by its keys.
    """
    booked = _by_chunk(connection, _BOOKED, table, scope)
    packed = {number for (number,) in connection.execute(_CHUNKS, scope)}
    expected = sum((must[number] for number in packed & must.keys()), start=TableSum())
    found = {number: total for number, total in booked.items() if number in must}
    if _whole(connection, table, scope) == sum(booked.values(), start=expected):
        return found | {number: must[number] for number in packed & must.keys()}
    return found | _by_chunk(connection, _PACKED, table, scope)


def _whole(connection: psycopg.Connection, table: TargetTable, scope: Mapping[str, Any]) -> TableSum:
    row = connection.execute(_of(_WHOLE, table), scope).fetchone()
    return TableSum() if row is None else summed(row)


def _by_chunk(
    connection: psycopg.Connection, statement: str, table: TargetTable, scope: Mapping[str, Any]
) -> dict[int, TableSum]:
    found = connection.execute(_of(statement, table), scope)
    return {row[0]: summed(row[1:]) for row in found}


def summed(row: Sequence[Any]) -> TableSum:
    """Return what count and sum of a query say."""
    return TableSum(row[0], int(row[1]) % MODULUS)


def _of(statement: str, table: TargetTable) -> sql.Composed:
    values = sql.SQL(", ").join(sql.Identifier("t", column.name) for column in table.columns)
    return sql.SQL(statement).format(sum=record_sum(), hash=record_hash(values), target=qualified(table.name))
