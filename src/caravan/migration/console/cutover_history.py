"""What a unit's page shows of its switch: the last cutovers, fences that stand, drills. Reads our database alone, no store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from caravan.migration.console.cutover_runs import CutoverRun, cutover_runs
from caravan.migration.console.drill_history import DrillView, drills
from caravan.migration.console.told_fences import ToldFence, told_fences
from caravan.migration.units import Entry, Scope

__all__ = ["CutoverHistory", "cutover_history"]

_TOLD: Final = """
SELECT org_id, migration, number, at, unit, transition, phase, by, facts, previous, hash FROM engine.migration_journal
WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s AND (phase = 'fence released' OR transition IN (
    SELECT id FROM engine.unit_transitions
    WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s
        AND (steps @@ 'exists($[*].effect)' OR inverse @@ 'exists($[*].effect)')
    ORDER BY created_at DESC, id DESC LIMIT 40))
ORDER BY number
"""
"""Of the last forty transitions that acted on stores: a drill is two."""


@dataclass(frozen=True, slots=True)
class CutoverHistory:
    """``runs`` and ``drills`` have the newest first."""

    runs: Sequence[CutoverRun]
    fences: Sequence[ToldFence]
    drills: Sequence[DrillView]


def cutover_history(connection: psycopg.Connection, scope: Scope, unit: str) -> CutoverHistory:
    """Return what was done with the data of a unit."""
    told = list(_told(connection, scope, unit))
    return CutoverHistory(cutover_runs(told), told_fences(told), drills(connection, scope, unit))


def _told(connection: psycopg.Connection, scope: Scope, unit: str) -> Iterator[Entry]:
    for row in connection.execute(_TOLD.encode(), {**scope.parameters, "unit": unit}):
        yield Entry(*row)
