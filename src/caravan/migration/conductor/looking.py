"""What others have changed in the database since the last look: units, flows, acceptances, holds, wishes to begin anew."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import psycopg

from caravan.migration.conductor.flow_watch import SeenFlows, flows_seen
from caravan.migration.conductor.overview_units import holds_of
from caravan.migration.config import MigrationConfig
from caravan.migration.units import Accepted, Scope, StoredUnit, accepted_differences, stored_units

__all__ = ["ANEW", "REPLAY", "WANTED", "Look", "look"]

ANEW: Final = "anew "
"""Parts of the state of this name ask for a judge that begins anew; the unit follows."""

REPLAY: Final = "replay "
"""Parts of this name ask for a difference's pair to be asked again, or hold what came of it; its id follows."""

WANTED: Final = "wanted"

_REPLAYS: Final = """
SELECT part, document ->> 'by' FROM engine.conductor_state
WHERE org_id = %(org)s AND migration = %(migration)s AND part LIKE 'replay %%' AND document ->> 'state' = 'wanted'
"""
_ANEW: Final = """
SELECT part FROM engine.conductor_state
WHERE org_id = %(org)s AND migration = %(migration)s AND part LIKE 'anew %%'
"""
_SILENT: Final = """
SELECT name, extract(epoch FROM clock_timestamp() - seen_at)::float8 FROM engine.gateway_processes
WHERE org_id = %(org)s AND migration = %(migration)s AND seen_at < clock_timestamp() - interval '10 seconds'
"""


@dataclass(frozen=True, slots=True)
class Look:
    """``anew`` are units whose evidence is to be forgotten; ``silent`` gateway processes by seconds.

    ``replays`` are differences whose pair is to be asked again, and who wants that.
    """

    units: Mapping[str, StoredUnit]
    accepted: tuple[Accepted, ...]
    held: frozenset[str]
    anew: tuple[str, ...]
    silent: Mapping[str, float]
    replays: tuple[tuple[str, str], ...] = ()
    flows: SeenFlows = field(default_factory=SeenFlows)


def look(connection: psycopg.Connection, scope: Scope, config: MigrationConfig, now: datetime) -> Look:
    """Read all of it."""
    anew = [row[0].removeprefix(ANEW) for row in connection.execute(_ANEW.encode(), scope.parameters)]
    return Look(
        stored_units(connection, scope),
        tuple(accepted_differences(connection, scope, config, now.date())),
        frozenset(holds_of(connection, scope)),
        tuple(anew),
        dict(connection.execute(_SILENT.encode(), scope.parameters).fetchall()),
        tuple(
            (part.removeprefix(REPLAY), by)
            for part, by in connection.execute(_REPLAYS.encode(), scope.parameters)
        ),
        flows_seen(connection, scope),
    )
