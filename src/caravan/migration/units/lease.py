"""One holder at a time changes a migration. A lease that nobody renews ends by itself; each holder has a higher number.

Beside its row a holder keeps an advisory lock of its database session, named by its number. Where nobody has that lock the holder's
session is gone, with its process or its connection, and the lease is taken over at once: nobody waits for the dead. What a process
may still be doing whose connection alone is gone is refused like everything of a former holder (``hold``, and the row of its
transition).
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import psycopg

from caravan.migration.units.errors import LeaseHeldError, LeaseLostError
from caravan.migration.units.scope import Scope

__all__ = ["LEASE_SECONDS", "Lease", "held_lease", "this_process"]

LEASE_SECONDS: Final = 30.0

_TAKE: Final = """
INSERT INTO engine.migration_leases AS l (org_id, migration, holder, fencing, taken_at, expires_at)
VALUES (%(org)s, %(migration)s, %(holder)s, 1, clock_timestamp(), clock_timestamp() + %(ttl)s)
ON CONFLICT (org_id, migration) DO UPDATE SET holder = excluded.holder, fencing = l.fencing + 1, taken_at = excluded.taken_at,
    expires_at = excluded.expires_at
WHERE l.expires_at <= clock_timestamp() OR l.fencing = %(dead)s
RETURNING fencing
"""
_HOLDER: Final = """
SELECT holder, taken_at, expires_at, fencing FROM engine.migration_leases WHERE org_id = %(org)s AND migration = %(migration)s
"""
_KEY: Final = "hashtextextended('caravan lease ' || %(org)s::text || %(migration)s, %(number)s)"
_LIVE: Final = f"SELECT pg_try_advisory_lock({_KEY})"
_DIE: Final = f"SELECT pg_advisory_unlock({_KEY})"
_LIVES: Final = f"""
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND ((classid::bigint << 32) | objid::bigint) = {_KEY})
"""  # noqa: S608 - a key of parameters alone
_RENEW: Final = """
UPDATE engine.migration_leases SET expires_at = clock_timestamp() + %(ttl)s
WHERE org_id = %(org)s AND migration = %(migration)s AND holder = %(holder)s AND fencing = %(fencing)s
    AND expires_at > clock_timestamp()
RETURNING fencing
"""
_RELEASE: Final = """
UPDATE engine.migration_leases SET expires_at = clock_timestamp()
WHERE org_id = %(org)s AND migration = %(migration)s AND holder = %(holder)s AND fencing = %(fencing)s
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """``fencing`` tells holders apart: a number once seen, every smaller one is of the past."""

    scope: Scope
    holder: str
    fencing: int
    seconds: float

    def hold(self, cursor: psycopg.Cursor[Any]) -> None:
        """Renew it in the caller's transaction, which commits only while it is held; raises ``LeaseLostError``."""
        cursor.execute(_RENEW.encode(), self._parameters)
        if cursor.fetchone() is None:
            raise LeaseLostError(f"{self.holder} no longer holds the lease of {self.scope.migration!r}.")

    @property
    def _parameters(self) -> dict[str, Any]:
        return {
            **self.scope.parameters,
            "holder": self.holder,
            "fencing": self.fencing,
            "ttl": timedelta(seconds=self.seconds),
        }

    def release(self, connection: psycopg.Connection) -> None:
        """Let the next one in at once."""
        connection.execute(_RELEASE.encode(), self._parameters)


def this_process() -> str:
    """Return a name of this process for people: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


@contextmanager
def held_lease(
    connection: psycopg.Connection, scope: Scope, *, holder: str | None = None, seconds: float = LEASE_SECONDS
) -> Iterator[Lease]:
    """Hold the migration's lease; that of a holder whose database session is gone is taken over at once.

    Raises:
        LeaseHeldError: somebody else does, until the moment named.
    """
    name = holder or this_process()
    number = _taken(connection, scope, name, seconds, dead=None)
    if number is None:
        number = _taken_over(connection, scope, name, seconds)
    lease = Lease(scope, name, number, seconds)
    try:
        yield lease
    finally:
        if not connection.broken:
            lease.release(connection)
            connection.execute(_DIE.encode(), {**scope.parameters, "number": number})


def _taken(
    connection: psycopg.Connection, scope: Scope, name: str, seconds: float, *, dead: int | None
) -> int | None:
    """Take a lease that is free, or that of the dead holder with this number; None when neither."""
    parameters = {**scope.parameters, "holder": name, "ttl": timedelta(seconds=seconds), "dead": dead}
    with connection.transaction():
        row = connection.execute(_TAKE.encode(), parameters).fetchone()
        if row is None:
            return None
        # Before anybody can see the row: who finds it must find the lock taken. Numbers are never used twice, so it is free.
        connection.execute(_LIVE.encode(), {**scope.parameters, "number": row[0]})
    return int(row[0])


def _taken_over(connection: psycopg.Connection, scope: Scope, name: str, seconds: float) -> int:
    row = connection.execute(_HOLDER.encode(), scope.parameters).fetchone()
    who, since, until, number = row or ("somebody", None, None, 0)
    lives = connection.execute(_LIVES.encode(), {**scope.parameters, "number": number}).fetchone()
    if row is not None and lives == (False,):
        taken = _taken(connection, scope, name, seconds, dead=number)
        if taken is not None:
            return taken
    told = f" since {since:%H:%M:%S}, until {until:%H:%M:%S} UTC" if row else ""
    raise LeaseHeldError(f"{who} holds the migration {scope.migration!r}{told}.")
