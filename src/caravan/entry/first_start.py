"""What `caravan up` asks of a database before it serves."""

import asyncio

import psycopg

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.settings import Settings
from caravan.platform.identity import AddedUser, Identity, create_first_admin

__all__ = ["first_admin", "was_loaded"]

_LOADED = "SELECT EXISTS (SELECT FROM engine.load_runs WHERE migration = %s AND status IN ('complete', 'quarantined'))"


def was_loaded(address: DatabaseAddress, migration: str) -> bool:
    """Tell whether a load of this migration came to its end before."""
    with psycopg.connect(address.libpq(Role.SYSTEM, application="caravan up")) as connection:
        row = connection.execute(_LOADED, (migration,)).fetchone()
    return bool(row and row[0])


def first_admin(settings: Settings, address: DatabaseAddress, org: str) -> AddedUser | None:
    """Make the first administrator, with a password that is told once; None when there is one."""

    async def inside() -> AddedUser | None:
        system = Database(address, role=Role.SYSTEM, pool=1, read_pool=1, application="caravan up")
        try:
            return await create_first_admin(Identity.open(settings, system), org=org)
        finally:
            await system.close()

    return asyncio.run(inside())
