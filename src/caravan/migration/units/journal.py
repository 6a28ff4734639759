"""The journal of a migration: every entry holds the hash of the one before, so that nothing can be changed or left out.

An entry's hash is SHA-256 over the hash before it and the entry as JSON: UTF-8, keys sorted, no blanks, times in ISO 8601 with
microseconds, UTC. The first entry's ``previous`` is 64 zeros. Whoever has the printed entries can check them anywhere.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from caravan.migration.units.scope import Scope

__all__ = ["Break", "Entry", "append", "entries", "verify_chain"]

_NOTHING: Final = "0" * 64
_LOCK: Final = (
    "SELECT pg_advisory_xact_lock(hashtextextended('caravan journal ' || %(org)s::text || %(migration)s, 0))"
)
_LAST: Final = (
    "SELECT number, hash FROM engine.migration_journal WHERE org_id = %(org)s AND migration = %(migration)s"
    " ORDER BY number DESC LIMIT 1"
)
_APPEND: Final = """
INSERT INTO engine.migration_journal (org_id, migration, number, at, unit, transition, phase, by, facts, previous, hash)
VALUES (%(org)s, %(migration)s, %(number)s, %(at)s, %(unit)s, %(transition)s, %(phase)s, %(by)s, %(facts)s, %(previous)s,
    %(hash)s)
"""
_ALL: Final = """
SELECT org_id, migration, number, at, unit, transition, phase, by, facts, previous, hash FROM engine.migration_journal
WHERE org_id = %(org)s AND migration = %(migration)s AND (%(unit)s::text IS NULL OR unit = %(unit)s)
ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """``phase`` is intent, effect, done, undone, refused, or what happened otherwise."""

    org_id: UUID
    migration: str
    number: int
    at: datetime
    unit: str | None
    transition: UUID | None
    phase: str
    by: str
    facts: Mapping[str, Any]
    previous: str
    hash: str

    def content(self) -> dict[str, Any]:
        """Return what the hash covers, as plain JSON values."""
        return {
            "org": str(self.org_id),
            "migration": self.migration,
            "number": self.number,
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "unit": self.unit,
            "transition": None if self.transition is None else str(self.transition),
            "phase": self.phase,
            "by": self.by,
            "facts": self.facts,
        }

    def as_json(self) -> dict[str, Any]:
        """Return the whole entry."""
        return {**self.content(), "previous": self.previous, "hash": self.hash}


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold, and why."""

    number: int
    said: str


def append(
    cursor: psycopg.Cursor[Any],
    scope: Scope,
    *,
    at: datetime,
    phase: str,
    by: str,
    facts: Mapping[str, Any],
    unit: str | None = None,
    transition: UUID | None = None,
) -> Entry:
    """Write one entry in the caller's transaction; whoever else writes waits until that has ended."""
    cursor.execute(_LOCK.encode(), scope.parameters)
    last = cursor.execute(_LAST.encode(), scope.parameters).fetchone()
    number, previous = (last[0] + 1, last[1]) if last else (1, _NOTHING)
    # Figures go through JSON once, so that what is hashed is what will be read.
    plain = json.loads(json.dumps(facts, default=str), parse_float=_as_stored)
    entry = Entry(scope.org_id, scope.migration, number, at, unit, transition, phase, by, plain, previous, "")
    hashed = _hash(previous, entry.content())
    cursor.execute(
        _APPEND.encode(),
        {
            **scope.parameters,
            "number": number,
            "at": at,
            "unit": unit,
            "transition": transition,
            "phase": phase,
            "by": by,
            "facts": Jsonb(plain),
            "previous": previous,
            "hash": hashed,
        },
    )
    return Entry(
        scope.org_id, scope.migration, number, at, unit, transition, phase, by, plain, previous, hashed
    )


def entries(connection: psycopg.Connection, scope: Scope, unit: str | None = None) -> Iterator[Entry]:
    """Yield the entries, the oldest first."""
    for row in connection.execute(_ALL.encode(), {**scope.parameters, "unit": unit}):
        yield Entry(*row)


def verify_chain(
    printed: Iterable[Mapping[str, Any]], *, after: tuple[int, str] | None = None
) -> Break | None:
    """Check entries as ``Entry.as_json`` prints them, all of one migration from the first on; None when they hold.

    ``after`` is number and hash of an entry that is known to hold: then those behind it are given. Needs no database: a cut
    tail alone does not show, so keep the last hash elsewhere.
    """
    known, previous = after or (0, _NOTHING)
    for number, entry in enumerate(printed, start=known + 1):
        if entry.get("number") != number:
            return Break(number, f"entry {number} is missing: here stands number {entry.get('number')}")
        if entry.get("previous") != previous:
            return Break(number, f"entry {number} does not follow the one before it")
        content = {key: value for key, value in entry.items() if key not in {"previous", "hash"}}
        if _hash(previous, content) != entry.get("hash"):
            return Break(number, f"entry {number} was changed")
        previous = str(entry["hash"])
    return None


def _as_stored(text: str) -> float | int:
    """Return a number as the database gives it back: it knows no minus zero, and writes great numbers out."""
    number = float(text)
    if "e" in text and number.is_integer():
        return int(Decimal(text))
    return number or 0.0


def _hash(previous: str, content: Mapping[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(previous.encode() + text.encode()).hexdigest()
