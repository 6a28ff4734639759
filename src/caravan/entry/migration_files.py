"""The migration files that this installation's console may move units by."""

from caravan.core.http.state import AppState
from caravan.migration.config import read_config
from caravan.migration.console import MIGRATION_FILES, MigrationFiles
from caravan.platform.identity import IdentityTenantDirectory

__all__ = ["give_migration_files"]


async def give_migration_files(state: AppState) -> None:
    """Read the files of ``CARAVAN_MIGRATION_FILES`` for the organisations they name; raises ``ConfigError``."""
    tenants = IdentityTenantDirectory(state.system_database)
    found = {}
    for path in state.settings.migration_files:
        config = read_config(path)
        org, _ = await tenants.ensure(config.migration.org, config.migration.client)
        found[org, config.migration.name] = config
    files: MigrationFiles = found
    state.services[MIGRATION_FILES] = files
