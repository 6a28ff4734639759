"""Cutovers of a unit from its migration file, for the commands that need them."""

from collections.abc import Iterator
from contextlib import contextmanager

from caravan.core.settings import load_settings
from caravan.entry.migration_database import written
from caravan.entry.tenants import ensured_tenants
from caravan.migration.config import MigrationConfig
from caravan.migration.cutover import Cutovers, parties_of
from caravan.migration.load.planning import plan
from caravan.migration.units.gateway_publisher import GatewayPublisher

__all__ = ["opened_cutovers"]


@contextmanager
def opened_cutovers(config: MigrationConfig, unit: str, by: str) -> Iterator[Cutovers]:
    """Open what a cutover of this unit takes; ``by`` is who asks, for the journal."""
    settings = load_settings()
    with written(config) as (address, _, scope):
        tenant = ensured_tenants(address, config.migration.org, config.migration.client)
        parties = parties_of(config, unit, plan(config, tenant), address, home=settings.home)
        publisher = GatewayPublisher(address, config, by=by)
        yield Cutovers(address, scope, config, parties, publisher, by=by)
