"""Figures that guards read: whoever measures a unit writes them down here.

The kinds and what their figures hold (all of one unit):
``contract``  frozen (bool), coverage (0 to 1), version
``shadow``    what ``caravan.migration.shadow.figures_of`` gives: judged, mismatched (counts), reported (spots with evidence
              against them), coverage (0 to 1), bound (0 to 1)
``replay``    the same of an offline replay; only judged and mismatched (or ``unexplained``) are needed
``canary``    what ``caravan.migration.canary.Decision.to_json`` gives; its ``stage`` is ``stage_name(percent)``
``sides``     old, new (bool: the side answers its health path)
``lag``       running (bool), seconds, transactions (None where nobody knows) of the flow to the side without authority
``verification``  rows (compared), differing (counts)
``effects``   judged, mismatched (counts) of dry runs of writes
``drill``     passed (bool), lost_and_doubled (count), certificate (its SHA-256)
``consent``   by, said (who agrees to complete the unit, in their words)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from caravan.core.ids import uuid7
from caravan.migration.units.scope import Scope

__all__ = ["Measurement", "latest_measurements", "record_measurement", "stage_name"]

_RECORD: Final = """
INSERT INTO engine.unit_measurements (org_id, id, migration, unit, kind, measured_at, figures)
VALUES (%(org)s, %(id)s, %(migration)s, %(unit)s, %(kind)s, %(at)s, %(figures)s)
"""
_LATEST: Final = """
SELECT DISTINCT ON (kind) kind, measured_at, figures FROM engine.unit_measurements
WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s
ORDER BY kind, measured_at DESC, id DESC
"""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The last figures of one kind."""

    kind: str
    at: datetime
    figures: Mapping[str, Any]


def stage_name(percent: float) -> str:
    """Return the name of a canary's stage, as its decisions carry it: ``5%``."""
    return f"{percent:g}%"


def record_measurement(
    connection: psycopg.Connection,
    scope: Scope,
    unit: str,
    kind: str,
    figures: Mapping[str, Any],
    *,
    at: datetime,
) -> None:
    """Write figures down; guards read the last ones of each kind."""
    connection.execute(
        _RECORD.encode(),
        {
            **scope.parameters,
            "id": uuid7(),
            "unit": unit,
            "kind": kind,
            "at": at,
            "figures": Jsonb(dict(figures)),
        },
    )


def latest_measurements(connection: psycopg.Connection, scope: Scope, unit: str) -> dict[str, Measurement]:
    """Return the last figures of each kind."""
    rows = connection.execute(_LATEST.encode(), {**scope.parameters, "unit": unit}).fetchall()
    return {row[0]: Measurement(*row) for row in rows}
