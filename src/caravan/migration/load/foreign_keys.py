"""Foreign keys of freshly inserted rows are looked up once, by us, not row by row by PostgreSQL.

The loader fills a reference only when it has found its row, inserts children with their parents in one transaction, and
counts orphans at the end of each load. Where the connecting user could not grant the right, PostgreSQL looks itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

__all__ = ["may_skip_look_ups", "without_look_ups"]


def may_skip_look_ups(connection: psycopg.Connection) -> bool:
    """Tell whether this role may set ``session_replication_role`` (PostgreSQL 15 and newer grant it by name)."""
    with connection.transaction():
        row = connection.execute(
            "SELECT has_parameter_privilege('session_replication_role', 'SET')"
        ).fetchone()
    return row is not None and bool(row[0])


@contextmanager
def without_look_ups(cursor: psycopg.Cursor[Any], *, allowed: bool) -> Iterator[None]:
    """Insert without a look-up per row and foreign key; a failure inside ends the transaction, and with it this."""
    if allowed:
        cursor.execute("SET LOCAL session_replication_role = replica")
    yield
    if allowed:
        cursor.execute("SET LOCAL session_replication_role = origin")
