"""Runs the queries of business counters: read only, with a deadline, and without keeping what names a customer."""

import asyncio
import hashlib
from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import urlsplit

import psycopg

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.canary.configured import RunQuery
from caravan.migration.config import MigrationConfig

__all__ = ["counter_queries"]

_Rows: TypeAlias = list[tuple[str, str, int]]


def counter_queries(config: MigrationConfig, own: DatabaseAddress) -> RunQuery:
    """Return what runs a query on a source of the file; ``own`` is the database where the file names no target."""

    async def run(query: str, source: str | None) -> Iterable[tuple[str, str, int]]:
        url, role = _database(config, own, source)
        if urlsplit(url).scheme not in {"postgresql", "postgres"}:
            raise ValueError("only PostgreSQL can be queried for counters")
        address = DatabaseAddress.parse(url)
        return await asyncio.to_thread(_read, address.libpq(role, application="caravan counter"), query)

    return run


def _database(config: MigrationConfig, own: DatabaseAddress, source: str | None) -> tuple[str, Role | None]:
    if source is not None:
        return config.sources[source].url or "", None
    if config.target is not None and config.target.url is not None:
        return config.target.url, None
    return own.url, Role.SYSTEM


def _read(dsn: str, query: str) -> _Rows:
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        connection.read_only = True
        connection.execute("SET statement_timeout = '5s'")
        rows = connection.execute(query.encode()).fetchall()
    return [(arm, hashlib.sha256(str(key).encode()).hexdigest()[:32], int(count)) for arm, key, count in rows]
