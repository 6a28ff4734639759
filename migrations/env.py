"""Alembic's entry: the connection comes from `caravan.core.database.migrate`.

The modules that bring tables are named, not discovered, so that a migration never depends on what happened to be imported.
"""

import contextlib
from importlib import import_module

from alembic import context

from caravan.core.database.base import Base

MODULES = (
    "caravan.core.database.dry_run_nonces",
    "caravan.core.outbox.models",
    "caravan.core.idempotency.models",
    "caravan.platform.audit.models",
    "caravan.platform.messaging.models",
    "caravan.platform.identity.models",
    "caravan.platform.jobs.models",
    "caravan.commerce.catalog.models",
    "caravan.commerce.customers.models",
    "caravan.commerce.promotions.models",
    "caravan.commerce.affiliates.models",
    "caravan.commerce.orders.models",
    "caravan.commerce.payments.models",
    "caravan.migration.load.models",
    "caravan.migration.units.models",
    "caravan.migration.gateway.models",
    "caravan.migration.conductor.models",
    "caravan.migration.sync.models",
    "caravan.migration.verify.models",
    "caravan.legacy.rps.models",
)

for module in MODULES:
    with contextlib.suppress(ModuleNotFoundError):
        import_module(module)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table="alembic_version",
    include_schemas=True,
    include_name=lambda name, kind, _parents: kind != "schema" or name in {None, "engine", "legacy_rps"},
    compare_type=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
