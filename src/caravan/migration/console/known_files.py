"""The migration file of a page: the one this process was given, else what the database keeps of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias, cast
from uuid import UUID

import psycopg
from fastapi import Request

from caravan.core.http import state_of
from caravan.migration.config import MigrationConfig
from caravan.migration.units import Scope

__all__ = ["MIGRATION_FILES", "MigrationFiles", "file_of", "stored_file", "stored_names"]

MIGRATION_FILES: Final = "migration_files"
"""The name of ``MigrationFiles`` among the application's services; without it pages look, and move nothing."""

MigrationFiles: TypeAlias = Mapping[tuple[UUID, str], MigrationConfig]
"""By organisation and name of the migration."""

_DOCUMENT: Final = (
    "SELECT document FROM engine.migrations WHERE org_id = %(org)s AND migration = %(migration)s"
)
_NAMES: Final = "SELECT migration FROM engine.migrations WHERE org_id = %(org)s ORDER BY migration"


def file_of(request: Request, scope: Scope) -> MigrationConfig | None:
    """Return the file that this process was given, whole."""
    files = cast("MigrationFiles", state_of(request.app).services.get(MIGRATION_FILES, {}))
    return files.get((scope.org_id, scope.migration))


def stored_file(connection: psycopg.Connection, scope: Scope) -> MigrationConfig | None:
    """Return what is stored of the file: units, routes, rules and gates, without addresses. None: nobody has read one."""
    row = connection.execute(_DOCUMENT.encode(), scope.parameters).fetchone()
    if row is None:
        return None
    head = {"name": scope.migration, "org": str(scope.org_id)}
    return MigrationConfig.model_validate({"file": Path("migration.toml"), "migration": head, **row[0]})


def stored_names(connection: psycopg.Connection, org: UUID) -> list[str]:
    """Return the migrations of an organisation whose file has been read."""
    return [name for (name,) in connection.execute(_NAMES.encode(), {"org": org})]
