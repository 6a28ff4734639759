"""The engine's pages of the console, and the one look at a migration that they show.

They stand in the platform's console, or in one of their own, where operators of the migration file log in.
"""

from caravan.migration.console.known_files import MIGRATION_FILES, MigrationFiles
from caravan.migration.console.looking import Look, look
from caravan.migration.console.only_migration import ONLY_MIGRATION
from caravan.migration.console.operator_pages import OPERATOR_SESSIONS
from caravan.migration.console.operator_sessions import OperatorCredentials, OperatorSessions
from caravan.migration.console.operators import Operators, new_token, token_digest
from caravan.migration.console.pages import console_routers, operator_routers, page_set

__all__ = [
    "MIGRATION_FILES",
    "ONLY_MIGRATION",
    "OPERATOR_SESSIONS",
    "Look",
    "MigrationFiles",
    "OperatorCredentials",
    "OperatorSessions",
    "Operators",
    "console_routers",
    "look",
    "new_token",
    "operator_routers",
    "page_set",
    "token_digest",
]
