"""Uses of tables as they are kept: noted once each, and few of one kind, for the graph needs no more."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal, TypeAlias

import psycopg

from caravan.migration.cutover.observed_units import Use
from caravan.migration.units import Scope

__all__ = ["MOST_OF_A_KIND", "Way", "forget_uses", "note_uses", "stored_uses"]

Way: TypeAlias = Literal["window", "triggers", "dry run"]

MOST_OF_A_KIND: Final = 100
"""Requests that are kept for one route, table and operation."""

_NOTE: Final = """
INSERT INTO engine.table_uses (org_id, migration, route, table_name, operation, request, way, seen_at)
SELECT %(org)s, %(migration)s, %(route)s, %(table)s, %(operation)s, %(request)s, %(way)s, %(at)s
WHERE (SELECT count(*) FROM engine.table_uses WHERE org_id = %(org)s AND migration = %(migration)s AND route = %(route)s
    AND table_name = %(table)s AND operation = %(operation)s) < %(most)s
ON CONFLICT DO NOTHING
"""
_STORED: Final = """
SELECT request, route, table_name, operation FROM engine.table_uses
WHERE org_id = %(org)s AND migration = %(migration)s ORDER BY route, table_name, operation, request
"""
_FORGET: Final = "DELETE FROM engine.table_uses WHERE org_id = %(org)s AND migration = %(migration)s"


def note_uses(
    connection: psycopg.Connection, scope: Scope, uses: Iterable[Use], way: Way, at: datetime
) -> None:
    """Keep these; what is known already, or seen often enough, changes nothing."""
    given = [
        {
            **scope.parameters,
            "route": use.route,
            "table": use.table,
            "operation": use.operation,
            "request": use.request,
            "way": way,
            "at": at,
            "most": MOST_OF_A_KIND,
        }
        for use in dict.fromkeys(uses)
    ]
    if given:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(_NOTE.encode(), given)


def stored_uses(connection: psycopg.Connection, scope: Scope) -> list[Use]:
    """Return all that was seen."""
    return [Use(*row) for row in connection.execute(_STORED.encode(), scope.parameters)]


def forget_uses(connection: psycopg.Connection, scope: Scope) -> int:
    """Forget what was seen, as before a new look at changed code; returns how many uses there were."""
    return connection.execute(_FORGET.encode(), scope.parameters).rowcount
