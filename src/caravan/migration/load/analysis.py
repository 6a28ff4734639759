"""Statistics for the planner while tables grow from nothing to millions.

Without them PostgreSQL may look up a foreign key's ``(org_id, id)`` in any index that begins with ``org_id``, row by row
through the whole organisation, and keep that plan for the rest of the load.
"""

from collections.abc import Iterable
from contextlib import suppress

import psycopg
from psycopg import sql

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.migration.verify import qualified

__all__ = ["analyze"]


def analyze(address: DatabaseAddress, tables: Iterable[str]) -> None:
    """Analyse the tables as their owner; of tables that are not the owner's PostgreSQL only warns, and autovacuum comes late."""
    with psycopg.connect(
        address.libpq(Role.OWNER, application="caravan analyze"), autocommit=True
    ) as connection:
        for table in sorted(set(tables)):
            with suppress(psycopg.errors.InsufficientPrivilege):  # not even its schema may be looked into
                connection.execute(sql.SQL("ANALYZE {}").format(qualified(table)))
