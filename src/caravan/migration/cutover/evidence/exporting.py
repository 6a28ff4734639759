"""Writes the evidence of a migration into a folder of its own."""

import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from caravan import __version__
from caravan.migration.config import MigrationConfig
from caravan.migration.cutover.evidence import layout
from caravan.migration.cutover.evidence.layout import digest, line, lines
from caravan.migration.units import Scope, entries, masks_of_file

__all__ = ["export_evidence"]

_TABLES: Final = {
    layout.STATES: (
        "SELECT unit, state, stage, share, entered_at, left_at, transition, by FROM engine.unit_states"
        " WHERE org_id = %(org)s AND migration = %(migration)s ORDER BY entered_at, id"
    ),
    layout.DECISIONS: (
        "SELECT created_at, unit, edge, passed, checks, by FROM engine.unit_decisions"
        " WHERE org_id = %(org)s AND migration = %(migration)s ORDER BY created_at, id"
    ),
    layout.MEASUREMENTS: (
        "SELECT measured_at, unit, kind, figures FROM engine.unit_measurements"
        " WHERE org_id = %(org)s AND migration = %(migration)s ORDER BY measured_at, id"
    ),
    layout.ACCEPTED: (
        "SELECT route, path, kind, owner, reason, until, by, created_at, withdrawn_at FROM engine.accepted_differences"
        " WHERE org_id = %(org)s AND migration = %(migration)s ORDER BY route, path, kind, created_at"
    ),
}


def export_evidence(
    connection: psycopg.Connection,
    scope: Scope,
    config: MigrationConfig,
    folder: Path,
    *,
    at: datetime,
    inputs: Sequence[Path] = (),
    seeds: Mapping[str, int] | None = None,
) -> str:
    """Write the folder, which must not be there yet, and return the SHA-256 of its manifest: keep that elsewhere.

    Everything is read in one snapshot. ``inputs`` are files on which decisions rest: contracts, mappings, recordings; the migration
    file is always among them. ``seeds`` are those of random parts, by name.
    """
    folder.mkdir(parents=True)
    files = _from_database(connection, scope)
    files[layout.ACCEPTED] = (
        lines([one.as_json() | {"by": "the file"} for one in masks_of_file(config)]) + files[layout.ACCEPTED]
    )
    for path in dict.fromkeys([config.file, *inputs]):
        if path.is_file():
            files[_free(f"{layout.INPUTS}/{path.name}", files)] = path.read_bytes()
    files[layout.VERSIONS] = (line(_versions(connection, seeds or {})) + "\n").encode()
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
    journal = files[layout.JOURNAL].splitlines()
    manifest = {
        "format": layout.FORMAT,
        "migration": scope.migration,
        "org": str(scope.org_id),
        "made_at": at.isoformat(),
        "entries": len(journal),
        "files": {
            name: {"sha256": digest(content), "bytes": len(content)} for name, content in files.items()
        },
    }
    written = (line(manifest) + "\n").encode()
    (folder / layout.MANIFEST).write_bytes(written)
    return digest(written)


def _from_database(connection: psycopg.Connection, scope: Scope) -> dict[str, bytes]:
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        journal = [entry.as_json() for entry in entries(connection, scope)]
        files = {layout.JOURNAL: lines(journal)}
        with connection.cursor(row_factory=dict_row) as cursor:
            for name, statement in _TABLES.items():
                files[name] = lines(cursor.execute(statement.encode(), scope.parameters).fetchall())
    for entry in journal:
        if entry["phase"] == "certificate":
            document: Mapping[str, Any] = entry["facts"]["document"]
            name = f"{layout.CERTIFICATES}/{entry['number']:06}-{entry['unit']}.json"
            whole = {**document, "sha256": entry["facts"]["certificate"]}
            files[name] = (line(whole) + "\n").encode()
    return files


def _versions(connection: psycopg.Connection, seeds: Mapping[str, int]) -> dict[str, Any]:
    revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return {
        "caravan": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "postgresql": connection.info.parameter_status("server_version"),
        "schema": revision[0] if revision else None,
        "seeds": dict(seeds),
    }


def _free(name: str, taken: Mapping[str, bytes]) -> str:
    number, free = 1, name
    while free in taken:
        number, free = number + 1, f"{name}.{number}"
    return free
