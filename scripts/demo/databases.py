"""Databases of a demonstration's own, on a server that is there or that is started for it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from caravan.core.database import DatabaseAddress
from caravan.core.database.migrate import migrate
from caravan.core.embedded.servers import embedded_servers

__all__ = ["own_database", "postgres_server"]


@contextmanager
def postgres_server(home: Path) -> Iterator[DatabaseAddress]:
    """Yield the server of DATABASE_URL, or one that is started for as long as the block takes."""
    if url := os.environ.get("DATABASE_URL"):
        yield DatabaseAddress.parse(url)
        return
    with embedded_servers(home, want_postgres=True, want_valkey=False) as servers:
        assert servers.postgres is not None  # noqa: S101 - it was wanted
        yield DatabaseAddress.parse(servers.postgres.dsn())


@contextmanager
def own_database(server: DatabaseAddress, name: str, *, migrated: bool = True) -> Iterator[DatabaseAddress]:
    """Make a database of this name beside the server's own; it goes when the block ends, and with it who is connected."""
    parts = urlsplit(server.url)
    address = DatabaseAddress.parse(urlunsplit(parts._replace(path=f"/{name}")))
    with psycopg.connect(server.libpq(None), autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            if migrated:
                migrate(address)
            yield address
        finally:
            for (slot,) in connection.execute(
                "SELECT slot_name FROM pg_replication_slots WHERE database = %s AND NOT active", (name,)
            ).fetchall():
                connection.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
            connection.execute(drop)
