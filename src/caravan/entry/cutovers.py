"""Cutovers of a unit from its migration file, for the commands that need them and for the conductor."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from caravan.core.database import DatabaseAddress
from caravan.core.settings import Settings, load_settings
from caravan.entry.migration_database import written
from caravan.entry.tenants import ensured_tenants
from caravan.migration.config import MigrationConfig
from caravan.migration.cutover import Cutovers, parties_of
from caravan.migration.load.planning import plan
from caravan.migration.units import Scope
from caravan.migration.units.gateway_publisher import GatewayPublisher

__all__ = ["cutovers_at", "opened_cutovers"]


@contextmanager
def opened_cutovers(config: MigrationConfig, unit: str, by: str) -> Iterator[Cutovers]:
    """Open what a cutover of this unit takes; ``by`` is who asks, for the journal."""
    settings = load_settings()
    with written(config) as (address, _, _):
        tenant = ensured_tenants(address, config.migration.org, config.migration.client)
        yield cutovers_at(settings, config, address, tenant, unit, by=by)


def cutovers_at(
    settings: Settings,
    config: MigrationConfig,
    address: DatabaseAddress,
    tenant: tuple[UUID, UUID | None],
    unit: str,
    *,
    by: str,
) -> Cutovers:
    """Return the cutovers of a unit in a database that is there; ``tenant`` is the organisation and its client.

    Raises:
        UnitStoreError, NothingToFollowError: what ``parties_of`` raises.
    """
    parties = parties_of(config, unit, plan(config, tenant), address, home=settings.home)
    publisher = GatewayPublisher(address, config, by=by)
    return Cutovers(address, Scope(tenant[0], config.migration.name), config, parties, publisher, by=by)
