"""Everything the conductor knows, written in one transaction: after a kill it goes on from the last save, and counts nothing twice.

Saves are numbered; one that does not follow the last is refused, so that of two conductors only one can ever write. The lock
that decides between them belongs to the database connection and ends with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from caravan.migration.conductor.errors import ConductorReplacedError
from caravan.migration.conductor.stored_json import stored
from caravan.migration.cutover.observed_units import Use
from caravan.migration.units import Scope

__all__ = ["KEPT", "Saved", "Snapshot", "claim", "save", "save_differences", "try_lock"]

KEPT: Final = timedelta(hours=1)
"""How long buckets of traffic are kept."""

_LOCK: Final = (
    "SELECT pg_try_advisory_lock(hashtextextended('caravan conductor ' || %(org)s::text || %(migration)s, 0))"
)
_CLAIM: Final = """
INSERT INTO engine.conductors (org_id, migration, name, version, taken, figures, started_at, seen_at)
VALUES (%(org)s, %(migration)s, %(name)s, 1, 0, '{}', %(at)s, %(at)s)
ON CONFLICT (org_id, migration) DO UPDATE SET name = excluded.name, version = engine.conductors.version + 1,
    started_at = excluded.started_at, seen_at = excluded.seen_at
RETURNING version, taken, figures
"""
_PARTS: Final = (
    "SELECT part, document FROM engine.conductor_state WHERE org_id = %(org)s AND migration = %(migration)s"
)
_NEXT: Final = """
UPDATE engine.conductors SET version = %(version)s + 1, taken = %(taken)s, figures = %(figures)s, seen_at = %(at)s
WHERE org_id = %(org)s AND migration = %(migration)s AND version = %(version)s AND name = %(name)s RETURNING version
"""
_PART: Final = """
INSERT INTO engine.conductor_state (org_id, migration, part, version, document, written_at)
VALUES (%(org)s, %(migration)s, %(part)s, %(version)s, %(document)s, %(at)s)
ON CONFLICT (org_id, migration, part) DO UPDATE SET version = excluded.version, document = excluded.document,
    written_at = excluded.written_at
"""
_DROP_PART: Final = "DELETE FROM engine.conductor_state WHERE org_id = %(org)s AND migration = %(migration)s AND part = ANY(%(parts)s)"
_BUCKET: Final = """
INSERT INTO engine.route_traffic
    (org_id, migration, at, route, side, arm, requests, errors, judged, differing, seconds, latencies)
VALUES (%(org)s, %(migration)s, %(at)s, %(route)s, %(side)s, %(arm)s, %(requests)s, %(errors)s, %(judged)s, %(differing)s,
    %(seconds)s, %(latencies)s)
ON CONFLICT (org_id, migration, at, route, side, arm) DO UPDATE SET requests = excluded.requests, errors = excluded.errors,
    judged = excluded.judged, differing = excluded.differing, seconds = excluded.seconds, latencies = excluded.latencies
"""
_OLD_BUCKETS: Final = "DELETE FROM engine.route_traffic WHERE org_id = %(org)s AND migration = %(migration)s AND at < %(before)s"
_FRESH_BUCKETS: Final = """
SELECT at, route, side, arm, requests, errors, judged, differing, seconds, latencies FROM engine.route_traffic
WHERE org_id = %(org)s AND migration = %(migration)s AND at > %(since)s
"""
_GROUP: Final = """
INSERT INTO engine.difference_groups
    (org_id, migration, id, unit, cause, kind, reported, members, example, first_at, last_at)
VALUES (%(org)s, %(migration)s, %(id)s, %(unit)s, %(cause)s, %(kind)s, %(reported)s, %(members)s, %(example)s, %(at)s, %(at)s)
ON CONFLICT (org_id, migration, id) DO UPDATE SET reported = excluded.reported, members = excluded.members,
    example = excluded.example, last_at = CASE WHEN engine.difference_groups.members = excluded.members
        THEN engine.difference_groups.last_at ELSE excluded.last_at END
"""
_OLD_GROUPS: Final = """
DELETE FROM engine.difference_groups
WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s AND NOT id = ANY(%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class Saved:
    """What was there at the start: ``parts`` of the state by name, ``buckets`` rows of the last moments."""

    version: int
    taken: int
    figures: Mapping[str, Any]
    parts: Mapping[str, dict[str, Any]]
    buckets: Sequence[tuple[Any, ...]]


@dataclass(slots=True)
class Snapshot:
    """What one save writes. ``groups`` holds all differences of a unit; units that are not in it keep theirs.

    ``uses`` of tables that dry runs told are kept beside it, see ``cutover.observing``.
    """

    at: datetime
    taken: int
    figures: Mapping[str, Any]
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    buckets: list[dict[str, Any]] = field(default_factory=list)
    groups: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)


def try_lock(connection: psycopg.Connection, scope: Scope) -> bool:
    """Become the one conductor of a migration, for as long as the connection lives; False while another is."""
    row = connection.execute(_LOCK.encode(), scope.parameters).fetchone()
    return bool(row and row[0])


def claim(
    connection: psycopg.Connection, scope: Scope, name: str, at: datetime, *, since: timedelta
) -> Saved:
    """Take over what was saved last, as ``name``; whoever wrote before can write no more."""
    with connection.transaction():
        row = connection.execute(_CLAIM.encode(), {**scope.parameters, "name": name, "at": at}).fetchone()
        parts = connection.execute(_PARTS.encode(), scope.parameters).fetchall()
        buckets = connection.execute(
            _FRESH_BUCKETS.encode(), {**scope.parameters, "since": at - since}
        ).fetchall()
    version, taken, figures = row or (1, 0, {})
    return Saved(version, taken, figures, dict(parts), buckets)


def save(connection: psycopg.Connection, scope: Scope, name: str, version: int, snapshot: Snapshot) -> int:
    """Write a snapshot and return the next version.

    Raises:
        ConductorReplacedError: somebody else has written since ``version``.
    """
    here = {**scope.parameters, "at": snapshot.at}
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            _NEXT.encode(),
            {
                **here,
                "version": version,
                "name": name,
                "taken": snapshot.taken,
                "figures": stored(dict(snapshot.figures)),
            },
        )
        if cursor.fetchone() is None:
            raise ConductorReplacedError(
                f"Somebody else conducts {scope.migration!r} since version {version}."
            )
        for part, document in snapshot.parts.items():
            row = {**here, "part": part, "version": version + 1, "document": stored(document)}
            cursor.execute(_PART.encode(), row)
        if snapshot.dropped:
            cursor.execute(_DROP_PART.encode(), {**here, "parts": snapshot.dropped})
        _write_buckets(cursor, here, snapshot)
        _write_groups(cursor, here, snapshot)
    return version + 1


def save_differences(
    connection: psycopg.Connection, scope: Scope, groups: Mapping[str, list[dict[str, Any]]], at: datetime
) -> None:
    """Write differences by unit that were found without a conductor, by a replay; the conductor's own take their place."""
    with connection.transaction(), connection.cursor() as cursor:
        _write_groups(cursor, {**scope.parameters, "at": at}, Snapshot(at, 0, {}, groups=dict(groups)))


def _write_buckets(cursor: psycopg.Cursor[Any], here: Mapping[str, Any], snapshot: Snapshot) -> None:
    rows = [{**here, **row, "latencies": stored(row["latencies"])} for row in snapshot.buckets]
    if rows:
        cursor.executemany(_BUCKET.encode(), rows)
        cursor.execute(_OLD_BUCKETS.encode(), {**here, "before": snapshot.at - KEPT})


def _write_groups(cursor: psycopg.Cursor[Any], here: Mapping[str, Any], snapshot: Snapshot) -> None:
    for unit, groups in snapshot.groups.items():
        cursor.execute(_OLD_GROUPS.encode(), {**here, "unit": unit, "ids": [group["id"] for group in groups]})
        for group in groups:
            row = {**group, "members": stored(group["members"]), "example": stored(group["example"])}
            cursor.execute(_GROUP.encode(), {**here, **row})
