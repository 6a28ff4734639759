"""Refusing to run on a database that nobody has prepared, before any process is started."""

import psycopg

from caravan.core.database import DatabaseAddress, Role

__all__ = ["refuse_missing_schema"]


def refuse_missing_schema(address: DatabaseAddress) -> None:
    """Raise psycopg's error when role or tables are missing; older or newer ones are for readiness to tell."""
    with psycopg.connect(address.libpq(Role.SYSTEM, application="caravan")) as connection:
        connection.execute("SELECT FROM engine.load_runs LIMIT 1")
        connection.execute("SELECT FROM outbox LIMIT 1")
