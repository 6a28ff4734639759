"""The engine's pages of the console, and the one look at a migration that they show."""

from caravan.migration.console.known_files import MIGRATION_FILES, MigrationFiles
from caravan.migration.console.looking import Look, look
from caravan.migration.console.pages import console_routers, page_set

__all__ = ["MIGRATION_FILES", "Look", "MigrationFiles", "console_routers", "look", "page_set"]
