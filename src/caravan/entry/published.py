"""The route table as file and units make it, published when another one is current."""

import asyncio

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.migration.config import MigrationConfig
from caravan.migration.gateway.publishing import current_table, publish_table
from caravan.migration.units import Scope, connected, stored_units
from caravan.migration.units.route_plan import route_plan

__all__ = ["publish_when_changed"]


def publish_when_changed(address: DatabaseAddress, scope: Scope, config: MigrationConfig, *, by: str) -> int:
    """Return the version that is current now; called outside of any event loop.

    Raises:
        RouteTableConflictError: somebody else published meanwhile.
    """
    with connected(address, read_only=True) as connection:
        units = {name: unit.values for name, unit in stored_units(connection, scope).items()}
    plan = route_plan(config, units)

    async def work() -> int:
        database = Database(address, role=Role.SYSTEM, pool=1, read_pool=1, application="caravan run")
        try:
            async with database.write() as session:
                current = await current_table(session, scope.org_id, scope.migration)
                if current.version and current.plan == plan:
                    return current.version
                reason = f"routes of {config.file.name}"
                published = await publish_table(
                    session,
                    scope.org_id,
                    scope.migration,
                    plan,
                    expected=current.version,
                    by=by,
                    reason=reason,
                )
                return published.version
        finally:
            await database.close()

    return asyncio.run(work())
