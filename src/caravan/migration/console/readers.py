"""Who has which page of a migration open: noted by the stream that each page listens to, at most every ten seconds."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

import psycopg
from fastapi import Request
from sqlalchemy import text

from caravan.core.database import Database
from caravan.core.http import state_of
from caravan.core.principal import Principal
from caravan.migration.units import Scope

__all__ = ["Present", "Reader", "present"]

_EVERY: Final = 10.0
_LONGEST: Final = 200
_HERE: Final = text("""
INSERT INTO engine.console_readers (org_id, migration, who, name, place, seen_at)
VALUES (:org, :migration, :who, :name, :place, clock_timestamp())
ON CONFLICT (org_id, migration, who) DO UPDATE SET name = excluded.name, place = excluded.place, seen_at = excluded.seen_at
""")
_PRESENT: Final = """
SELECT who, name, place, seen_at FROM engine.console_readers
WHERE org_id = %(org)s AND migration = %(migration)s AND seen_at > clock_timestamp() - interval '30 seconds' ORDER BY name, who
"""


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who looks at this migration now; ``place`` is a unit's name, a page's, or empty for its first page."""

    who: str
    name: str
    place: str
    seen_at: datetime


@dataclass(slots=True)
class Reader:
    """One page that somebody has open."""

    database: Database
    scope: Scope
    who: str
    name: str
    place: str
    _noted: float = field(default=-_EVERY, init=False)

    @classmethod
    def of(cls, request: Request, caller: Principal, migration: str, place: str) -> Self:
        scope = Scope(caller.require_org(), migration)
        name = caller.name or caller.label
        return cls(state_of(request.app).system_database, scope, caller.label, name, place[:_LONGEST])

    async def is_here(self) -> None:
        """Note it, when it was not noted just before."""
        if time.monotonic() - self._noted < _EVERY:
            return
        self._noted = time.monotonic()
        row = {**self.scope.parameters, "who": self.who, "name": self.name, "place": self.place}
        async with self.database.write() as session:
            await session.execute(_HERE, row)


def present(connection: psycopg.Connection, scope: Scope) -> list[Present]:
    """Return who is here."""
    return [Present(*row) for row in connection.execute(_PRESENT.encode(), scope.parameters)]
