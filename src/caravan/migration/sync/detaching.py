"""A record that changes after its load belongs to its chunk no longer: the chunk's sums are what is left of it.

So a check of the target against the ledger stays exact while changes come.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.verify import TableSum, chunk_sums, dangling_columns
from caravan.migration.verify.encoding import MODULUS

__all__ = ["detach"]

_CHUNKS: Final = (
    "SELECT DISTINCT chunk FROM engine.legacy_keys WHERE org_id = %(org)s AND migration = %(migration)s"
    " AND data_set = %(data_set)s AND row_id = ANY(%(rows)s) AND chunk IS NOT NULL"
)
_SUMS: Final = (
    "SELECT chunk, sums FROM engine.ledger WHERE org_id = %(org)s AND migration = %(migration)s"
    " AND data_set = %(data_set)s AND chunk = ANY(%(chunks)s) FOR UPDATE"
)
_LESS: Final = (
    "UPDATE engine.ledger SET sums = %(sums)s WHERE org_id = %(org)s AND migration = %(migration)s"
    " AND data_set = %(data_set)s AND chunk = %(chunk)s"
)
_FREE: Final = "UPDATE engine.legacy_keys SET chunk = NULL WHERE org_id = %(org)s AND row_id = ANY(%(rows)s)"


def detach(cursor: psycopg.Cursor[Any], data_set: PlannedDataSet, row_ids: Sequence[UUID]) -> None:
    """Take these records out of their chunks, before their rows change; most have been taken out by an earlier change."""
    if not row_ids:
        return
    scope = {**data_set.scope, "rows": list(row_ids)}
    chunks = [row[0] for row in cursor.execute(_CHUNKS, scope).fetchall()]
    if not chunks:
        return
    found = _sums(cursor.connection, data_set, row_ids, chunks)
    for chunk, sums in cursor.execute(_SUMS, {**scope, "chunks": chunks}).fetchall():
        less = {table: _minus(total, found.get((table, chunk), TableSum())) for table, total in sums.items()}
        cursor.execute(_LESS, {**scope, "chunk": chunk, "sums": Jsonb(less)})
    cursor.execute(_FREE, scope)


def _sums(
    connection: psycopg.Connection, data_set: PlannedDataSet, row_ids: Sequence[UUID], chunks: Sequence[int]
) -> dict[tuple[str, int], TableSum]:
    dangling = dangling_columns(connection, data_set.scope)
    between = (min(chunks), max(chunks) + 1)
    found: dict[tuple[str, int], TableSum] = {}
    for table in data_set.mapping.tables:
        sums = chunk_sums(connection, table, data_set.scope, dangling, chunks=between, records=list(row_ids))
        found.update({(table.name, chunk): total for chunk, total in sums.items()})
    return found


def _minus(stored: Sequence[Any], less: TableSum) -> list[Any]:
    total = TableSum.stored(*stored)
    left = TableSum(total.rows - less.rows, (total.a - less.a) % MODULUS, (total.b - less.b) % MODULUS)
    return [left.rows, left.hex]
