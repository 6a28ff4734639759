"""What is stored of units: where each is, its open transition, and the file as it was read last."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from caravan.migration.config import MigrationConfig
from caravan.migration.units.journal import append
from caravan.migration.units.scope import Scope
from caravan.migration.units.values import Step, UnitValues

__all__ = ["OpenTransition", "StoredUnit", "open_transition", "register", "stored_units"]

_MIGRATION: Final = (
    "SELECT file_hash FROM engine.migrations WHERE org_id = %(org)s AND migration = %(migration)s FOR UPDATE"
)
_WRITE_MIGRATION: Final = """
INSERT INTO engine.migrations (org_id, migration, file_hash, document, read_at)
VALUES (%(org)s, %(migration)s, %(hash)s, %(document)s, %(at)s)
ON CONFLICT (org_id, migration) DO UPDATE SET file_hash = excluded.file_hash, document = excluded.document,
    read_at = excluded.read_at
"""
_NEW_UNIT: Final = """
INSERT INTO engine.units (org_id, migration, unit, state, entered_at)
VALUES (%(org)s, %(migration)s, %(unit)s, 0, %(at)s) ON CONFLICT DO NOTHING
"""
_UNITS: Final = """
SELECT unit, state, stage, share, salt, armed, held, entered_at FROM engine.units
WHERE org_id = %(org)s AND migration = %(migration)s ORDER BY unit
"""
_OPEN: Final = """
SELECT id, edge, phase, before, after, steps, inverse, done_steps, by, created_at FROM engine.unit_transitions
WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s AND phase IN ('acting', 'unwinding')
"""


@dataclass(frozen=True, slots=True)
class StoredUnit:
    """Where a unit is, since when."""

    name: str
    values: UnitValues
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class OpenTransition:
    """A transition that has begun and not ended; ``phase`` is acting or unwinding."""

    id: UUID
    edge: str
    phase: str
    before: UnitValues
    after: UnitValues
    steps: list[Step]
    inverse: list[Step]
    done_steps: int
    by: str
    began: datetime


def register(
    connection: psycopg.Connection, scope: Scope, config: MigrationConfig, *, by: str, at: datetime
) -> None:
    """Write the file and its units down; what is known already is not written again. Units begin as discovered."""
    document = config.model_dump(mode="json", include={"units", "routes", "compare", "gates", "shadow"})
    hashed = hashlib.sha256(config.model_dump_json(exclude={"file"}).encode()).hexdigest()
    with connection.transaction(), connection.cursor() as cursor:
        known = cursor.execute(_MIGRATION.encode(), scope.parameters).fetchone()
        if known is None or known[0] != hashed:
            cursor.execute(
                _WRITE_MIGRATION.encode(),
                {**scope.parameters, "hash": hashed, "document": Jsonb(document), "at": at},
            )
            append(cursor, scope, at=at, phase="file read", by=by, facts={"sha256": hashed, **document})
        for unit in config.units:
            cursor.execute(_NEW_UNIT.encode(), {**scope.parameters, "unit": unit.name, "at": at})


def stored_units(connection: psycopg.Connection, scope: Scope) -> Mapping[str, StoredUnit]:
    """Return where each unit is, by name."""
    rows = connection.execute(_UNITS.encode(), scope.parameters).fetchall()
    return {row[0]: _unit(row) for row in rows}


def open_transition(connection: psycopg.Connection, scope: Scope, unit: str) -> OpenTransition | None:
    """Return the transition of a unit that has not ended, if there is one."""
    row = connection.execute(_OPEN.encode(), {**scope.parameters, "unit": unit}).fetchone()
    if row is None:
        return None
    identity, edge, phase, before, after, steps, inverse, done, by, began = row
    return OpenTransition(
        identity,
        edge,
        phase,
        UnitValues.from_json(before),
        UnitValues.from_json(after),
        [Step.from_json(step) for step in steps],
        [Step.from_json(step) for step in inverse],
        done,
        by,
        began,
    )


def _unit(row: tuple[Any, ...]) -> StoredUnit:
    name, state, stage, share, salt, armed, held, entered_at = row
    return StoredUnit(name, UnitValues(state, stage, share, salt, armed, held), entered_at)
