"""The drills of a unit, as their certificates tell them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg

from caravan.migration.units import Scope

__all__ = ["DrillView", "drills"]

_DRILLS: Final = """
SELECT measured_at, figures #- '{document,sums}' FROM engine.unit_measurements
WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s AND kind = 'drill'
ORDER BY measured_at DESC, id DESC LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class DrillView:
    """One drill. ``held`` are (leg, seconds that clients waited); ``certificate`` is its SHA-256."""

    at: datetime
    passed: bool
    by: str
    written: int
    lost: int
    doubled: int
    held: Sequence[tuple[str, float]]
    problems: Sequence[str]
    certificate: str


def drills(connection: psycopg.Connection, scope: Scope, unit: str) -> list[DrillView]:
    """Return the last twenty, the newest first."""
    rows = connection.execute(_DRILLS.encode(), {**scope.parameters, "unit": unit})
    return [_view(at, figures) for at, figures in rows]


def _view(at: datetime, figures: Mapping[str, Any]) -> DrillView:
    document: Mapping[str, Any] = figures.get("document") or {}
    probes: Mapping[str, Any] = document.get("probes") or {}
    return DrillView(
        at,
        figures.get("passed") is True,
        str(document.get("by", "")),
        int(probes.get("written", 0)),
        len(probes.get("lost", ())),
        len(probes.get("doubled", ())),
        [(str(leg["name"]), float(leg["held_seconds"])) for leg in document.get("legs", ())],
        [str(problem) for problem in document.get("problems", ())],
        str(figures.get("certificate", "")),
    )
