"""The database as commands about one migration file need it: to look, or to write to an organisation that is there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.database.migrate import migrate
from caravan.core.settings import load_settings
from caravan.entry.addresses import opened_servers
from caravan.entry.tenants import ensured_tenants
from caravan.migration.config import MigrationConfig
from caravan.migration.units import Scope, append, connected, record_measurement

__all__ = ["note_measurements", "opened", "written"]


@contextmanager
def opened(config: MigrationConfig) -> Iterator[tuple[psycopg.Connection, Scope | None]]:
    """Open a read-only connection; without a scope where the organisation is not there yet."""
    settings = load_settings()
    with (
        opened_servers(settings, redis=False) as addresses,
        connected(addresses.database, read_only=True) as connection,
    ):
        row = connection.execute(
            "SELECT id FROM organisations WHERE code = %s", (config.migration.org,)
        ).fetchone()
        yield connection, None if row is None else Scope(row[0], config.migration.name)


@contextmanager
def written(config: MigrationConfig) -> Iterator[tuple[DatabaseAddress, psycopg.Connection, Scope]]:
    """Open a connection to an up-to-date schema, in an organisation that is there."""
    settings = load_settings()
    with opened_servers(settings, redis=False) as addresses:
        migrate(addresses.database)
        org, _ = ensured_tenants(addresses.database, config.migration.org, config.migration.client)
        with connected(addresses.database) as connection:
            yield addresses.database, connection, Scope(org, config.migration.name)


def note_measurements(
    connection: psycopg.Connection,
    scope: Scope,
    kind: str,
    figures: Mapping[str, Mapping[str, Any]],
    *,
    by: str,
) -> None:
    """Write down what was measured, by unit, for their guards; the journal says by whom."""
    now = utc_now()
    with connection.transaction(), connection.cursor() as cursor:
        for unit, found in figures.items():
            record_measurement(connection, scope, unit, kind, found, at=now)
            facts = {"name": kind, "figures": dict(found)}
            append(cursor, scope, at=now, phase="measured", by=by, facts=facts, unit=unit)
