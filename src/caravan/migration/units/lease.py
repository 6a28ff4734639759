"""One holder at a time changes a migration. A lease that nobody renews ends by itself; each holder has a higher number."""

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
INSERT INTO engine.migration_leases AS l (org_id, migration, holder, fencing, expires_at)
VALUES (%(org)s, %(migration)s, %(holder)s, 1, clock_timestamp() + %(ttl)s)
ON CONFLICT (org_id, migration) DO UPDATE SET holder = excluded.holder, fencing = l.fencing + 1, expires_at = excluded.expires_at
WHERE l.expires_at <= clock_timestamp()
RETURNING fencing
"""
_HOLDER: Final = "SELECT holder, expires_at FROM engine.migration_leases WHERE org_id = %(org)s AND migration = %(migration)s"
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
    """Hold the migration's lease.

    Raises:
        LeaseHeldError: somebody else does, until the moment named.
    """
    name = holder or this_process()
    parameters = {**scope.parameters, "holder": name, "ttl": timedelta(seconds=seconds)}
    row = connection.execute(_TAKE.encode(), parameters).fetchone()
    if row is None:
        other = connection.execute(_HOLDER.encode(), scope.parameters).fetchone()
        who, until = other or ("somebody", None)
        raise LeaseHeldError(f"{who} holds the migration {scope.migration!r} until {until:%H:%M:%S} UTC.")
    lease = Lease(scope, name, row[0], seconds)
    try:
        yield lease
    finally:
        if not connection.broken:
            lease.release(connection)
