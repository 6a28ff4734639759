"""The rule of ``places`` as SQL: one compare-and-set over ``engine.applied``, for many rows at once.

A chunk and a batch of changes never commit at the same time: both hold the migration's lock, so neither sees the other half done,
and no two of them can wait for each other's rows.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg

from caravan.migration.sync.places import LAST_STEP, Place

__all__ = [
    "EVERY_ROW",
    "PlacedRow",
    "hold_off_chunks",
    "hold_off_flows",
    "note_chunk",
    "raise_floor",
    "take_places",
]

EVERY_ROW: Final = UUID(int=0)
"""The row that stands for all without a newer one: the last truncate."""

_FLOOR: Final = """
    SELECT f.number, f.step FROM engine.applied f
    WHERE f.org_id = %(org)s AND f.migration = %(migration)s AND f.data_set = %(data_set)s AND f.row_id = %(every)s
"""
_ABOVE_FLOOR: Final = (
    f"NOT EXISTS (SELECT 1 FROM ({_FLOOR}) f WHERE (f.number, f.step) >= (c.number, c.step))"  # noqa: S608 - made of constants
)

_TAKE: Final = f"""
INSERT INTO engine.applied AS a (org_id, migration, data_set, row_id, number, step, deleted)
SELECT %(org)s, %(migration)s, %(data_set)s, c.row_id, c.number, c.step, c.deleted
FROM unnest(%(rows)s::uuid[], %(numbers)s::bigint[], %(steps)s::integer[], %(deleted)s::boolean[])
    AS c (row_id, number, step, deleted)
WHERE {_ABOVE_FLOOR}
ORDER BY c.row_id
ON CONFLICT (org_id, migration, data_set, row_id) DO UPDATE
SET number = excluded.number, step = excluded.step, deleted = excluded.deleted
WHERE (a.number, a.step) < (excluded.number, excluded.step)
RETURNING a.row_id
"""  # noqa: S608 - made of constants
_NOTE: Final = f"""
INSERT INTO engine.applied AS a (org_id, migration, data_set, row_id, number, step, deleted)
SELECT %(org)s, %(migration)s, %(data_set)s, c.row_id, c.number, c.step, false
FROM unnest(%(rows)s::uuid[], array_fill(%(number)s::bigint, ARRAY[%(count)s::integer]),
    array_fill(%(step)s::integer, ARRAY[%(count)s::integer])) AS c (row_id, number, step)
WHERE {_ABOVE_FLOOR}
ORDER BY c.row_id
ON CONFLICT (org_id, migration, data_set, row_id) DO UPDATE SET number = excluded.number, step = excluded.step
WHERE NOT a.deleted AND (a.number, a.step) <= (excluded.number, excluded.step)
RETURNING a.row_id
"""  # noqa: S608 - made of constants
_RAISE: Final = """
INSERT INTO engine.applied AS a (org_id, migration, data_set, row_id, number, step, deleted)
VALUES (%(org)s, %(migration)s, %(data_set)s, %(every)s, %(number)s, %(step)s, true)
ON CONFLICT (org_id, migration, data_set, row_id) DO UPDATE SET number = excluded.number, step = excluded.step
WHERE (a.number, a.step) < (excluded.number, excluded.step)
RETURNING a.row_id
"""
_COVERED: Final = """
DELETE FROM engine.applied a WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s
    AND row_id <> %(every)s AND (number, step) < (%(number)s, %(step)s)
"""
_EMPTIED: Final = """
SELECT k.row_id FROM engine.legacy_keys k LEFT JOIN engine.applied a ON a.org_id = k.org_id AND a.migration = k.migration
    AND a.data_set = k.data_set AND a.row_id = k.row_id
WHERE k.org_id = %(org)s AND k.migration = %(migration)s AND k.data_set = %(data_set)s
    AND (a.row_id IS NULL OR (a.number, a.step) < (%(number)s, %(step)s))
"""
_LOCK: Final = (
    "SELECT pg_advisory_xact_lock{}(hashtextextended('caravan apply ' || %(org)s::text || %(migration)s, 0))"
)


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row that a change is about; at most one per row and statement."""

    row_id: UUID
    place: Place
    deleted: bool


def hold_off_chunks(cursor: psycopg.Cursor[Any], scope: Mapping[str, Any]) -> None:
    """Keep chunks of a load waiting until this transaction ends."""
    cursor.execute(_LOCK.format("").encode(), scope)


def hold_off_flows(cursor: psycopg.Cursor[Any], scope: Mapping[str, Any]) -> None:
    """Keep flows waiting until this transaction ends; other chunks go on."""
    cursor.execute(_LOCK.format("_shared").encode(), scope)


def take_places(
    cursor: psycopg.Cursor[Any], scope: Mapping[str, Any], rows: Collection[PlacedRow]
) -> set[UUID]:
    """Write the places of changes that win, and return their rows; the others were overtaken (``change_wins``)."""
    cursor.execute(
        _TAKE,
        {
            **scope,
            "every": EVERY_ROW,
            "rows": _array(row.row_id.hex for row in rows),
            "numbers": _array(str(row.place.number) for row in rows),
            "steps": _array(str(row.place.step) for row in rows),
            "deleted": _array("t" if row.deleted else "f" for row in rows),
        },
    )
    return {row[0] for row in cursor.fetchall()}


def _array(literals: Iterable[str]) -> str:
    """Return an array as PostgreSQL writes it, of values that need no quotes; a list would be written value by value by the driver."""
    return f"{{{','.join(literals)}}}"


def note_chunk(
    cursor: psycopg.Cursor[Any],
    scope: Mapping[str, Any],
    row_ids: Iterable[UUID],
    *,
    snapshot: int,
) -> set[UUID]:
    """Write the snapshot's place for rows of a chunk, and return those that may be written (``chunk_wins``)."""
    rows = list(row_ids)
    if not rows:
        return set()
    cursor.execute(
        _NOTE,
        {
            **scope,
            "every": EVERY_ROW,
            "rows": rows,
            "count": len(rows),
            "number": snapshot,
            "step": LAST_STEP,
        },
    )
    return {row[0] for row in cursor.fetchall()}


def raise_floor(cursor: psycopg.Cursor[Any], scope: Mapping[str, Any], place: Place) -> set[UUID]:
    """Note a truncate, and return the imported rows that it empties: all that hold nothing newer."""
    parameters = {**scope, "every": EVERY_ROW, "number": place.number, "step": place.step}
    cursor.execute(_RAISE, parameters)
    if cursor.fetchone() is None:
        return set()
    cursor.execute(_EMPTIED, parameters)
    emptied = {row[0] for row in cursor.fetchall()}
    cursor.execute(_COVERED, parameters)
    return emptied
