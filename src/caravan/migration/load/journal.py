"""One run at a time, and what earlier runs have proven."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.core.ids import uuid7
from caravan.migration.load.errors import LoadRunningError
from caravan.migration.load.record_sums import RECORD_SUM
from caravan.migration.verify import TableSum

__all__ = ["Journal", "Proven", "open_journal"]

_PATIENCE: Final = 2.0
_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended('caravan load ' || %s || %s, 0))"
_LEDGER: Final = (
    "SELECT chunk, records, quarantined, source_hash, mapping_version, stale, sums FROM engine.ledger"
    " WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s ORDER BY chunk"
)


@dataclass(frozen=True, slots=True)
class Proven:
    """A row of the ledger."""

    chunk: int
    records: int
    quarantined: int
    source_hash: bytes
    mapping_version: str
    stale: bool
    sums: Mapping[str, TableSum]
    by_record: bool = False
    """Whether the sums are those of ``record_sums``, as chunks of text have them."""


class Journal:
    """The connection of one run's main process, which holds the migration's lock."""

    def __init__(self, connection: psycopg.Connection, org_id: UUID, migration: str) -> None:
        self.connection = connection
        self.org_id = org_id
        self.migration = migration
        self.run_id: UUID | None = None

    @property
    def scope(self) -> dict[str, Any]:
        """The parameters that name the migration in SQL."""
        return {"org": self.org_id, "migration": self.migration}

    def begin(self) -> UUID:
        """Open a run; waits until a chunk of a dead run that is being committed has ended."""
        run_id = uuid7()
        with self.connection.transaction():
            self.connection.execute(
                "UPDATE engine.load_runs SET status = 'interrupted', finished_at = now()"
                " WHERE org_id = %(org)s AND migration = %(migration)s AND status = 'running'",
                self.scope,
            )
            self.connection.execute(
                "INSERT INTO engine.load_runs (org_id, id, migration, status)"
                " VALUES (%(org)s, %(run)s, %(migration)s, 'running')",
                {**self.scope, "run": run_id},
            )
        self.run_id = run_id
        return run_id

    def end(self, status: str, report: Mapping[str, Any]) -> None:
        """Close the run with its report."""
        with self.connection.transaction():
            self.connection.execute(
                "UPDATE engine.load_runs SET status = %s, finished_at = now(), report = %s::jsonb"
                " WHERE org_id = %s AND id = %s",
                (status, json.dumps(report), self.org_id, self.run_id),
            )

    def ledger(self, data_set: str) -> dict[int, Proven]:
        """Return the proven chunks of a data set by number."""
        with self.connection.transaction():
            rows = self.connection.execute(_LEDGER, {**self.scope, "data_set": data_set}).fetchall()
        return {row[0]: _proven(row) for row in rows}


@contextmanager
def open_journal(address: DatabaseAddress, org_id: UUID, migration: str) -> Iterator[Journal]:
    """Hold the lock of a migration.

    Raises:
        LoadRunningError: somebody else holds it.
    """
    with psycopg.connect(
        address.libpq(Role.SYSTEM, application="caravan load"), autocommit=True
    ) as connection:
        connection.execute("SET jit = off")
        if not _locked(connection, org_id, migration):
            raise LoadRunningError(
                f"another process is loading, verifying or undoing the migration {migration!r}"
            )
        yield Journal(connection, org_id, migration)


def _locked(connection: psycopg.Connection, org_id: UUID, migration: str) -> bool:
    """Take the lock; the session of a load that has just ended, or was killed, may hold it a moment longer."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        row = connection.execute(_LOCK, (str(org_id), migration)).fetchone()
        if row is not None and row[0]:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)


def _proven(row: tuple[Any, ...]) -> Proven:
    chunk, records, quarantined, source_hash, version, stale, sums = row
    totals = {table: TableSum.stored(*total[:2]) for table, total in sums.items()}
    by_record = any(total[2:] == [RECORD_SUM] for total in sums.values())
    return Proven(chunk, records, quarantined, source_hash, version, stale, totals, by_record)
