"""Keys of chunks that went in as text: one row per chunk, until somebody needs the book of keys row by row.

A book with a row and three indexes per record costs PostgreSQL more than the record. Chunks whose keys are unique by the source's
own declaration need none of that to be loaded; their keys are packed, and written out by ``unpack`` before anything reads the book.
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

import psycopg

__all__ = ["unpack", "unpack_others"]

_WRITE: Final = """
WITH gone AS (DELETE FROM engine.packed_keys p WHERE p.org_id = %(org)s AND {which} RETURNING p.*)
INSERT INTO engine.legacy_keys (org_id, row_id, migration, data_set, tag, key, chunk, ordinal)
SELECT g.org_id, u.row_id, g.migration, g.data_set, g.tag, u.key, g.chunk, g.first_ordinal + u.n - 1
FROM gone g, unnest(g.row_ids, g.keys) WITH ORDINALITY AS u (row_id, key, n)
ON CONFLICT DO NOTHING
"""
_OF_MIGRATION: Final = _WRITE.format(which="p.migration = %(migration)s")
_OF_DATA_SET: Final = _WRITE.format(which="p.migration = %(migration)s AND p.data_set = %(data_set)s")
_OF_OTHERS: Final = _WRITE.format(
    which="NOT (p.migration = %(migration)s AND p.data_set = ANY(%(data_sets)s))"
)


def unpack(connection: psycopg.Connection, org_id: UUID, migration: str, data_set: str | None = None) -> int:
    """Write the packed keys of a migration, or of one of its data sets, into ``engine.legacy_keys``; returns how many.

    It is part of the caller's transaction where one is open. Where nothing is packed it costs one look into an index.
    """
    scope = {"org": org_id, "migration": migration, "data_set": data_set}
    statement = _OF_MIGRATION if data_set is None else _OF_DATA_SET
    return connection.execute(statement.encode(), scope).rowcount


def unpack_others(
    connection: psycopg.Connection, org_id: UUID, migration: str, data_sets: Collection[str]
) -> int:
    """Write out the keys of all other migrations of the organisation, and of data sets that this one has no more."""
    scope = {"org": org_id, "migration": migration, "data_sets": list(data_sets)}
    return connection.execute(_OF_OTHERS.encode(), scope).rowcount
