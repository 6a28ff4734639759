"""Runs of verifications in our database: begun, noted node by node, gone on with after a crash, ended with their report."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.core.ids import uuid7
from caravan.migration.verify.errors import VerifyRunningError
from caravan.migration.verify.pairs.notebook import Noted, Verdict

__all__ = ["Run", "begun_run"]

_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended('caravan verify ' || %s || %s || ' ' || %s, 0))"
_OPEN: Final = (
    "SELECT id, plan FROM engine.verify_runs WHERE org_id = %(org)s AND migration = %(migration)s"
    " AND subject = %(subject)s AND state = 'running'"
)
_LEAVE: Final = "UPDATE engine.verify_runs SET state = 'left', finished_at = now() WHERE org_id = %(org)s AND id = %(run)s"
_BEGIN: Final = (
    "INSERT INTO engine.verify_runs (org_id, id, migration, subject, plan, state)"
    " VALUES (%(org)s, %(run)s, %(migration)s, %(subject)s, %(plan)s, 'running')"
)
_NOTED: Final = (
    "SELECT node, verdict, facts FROM engine.verify_nodes WHERE org_id = %(org)s AND run_id = %(run)s"
)
_NOTE: Final = """
INSERT INTO engine.verify_nodes (org_id, run_id, node, verdict, facts)
VALUES (%(org)s, %(run)s, %(node)s, %(verdict)s, %(facts)s)
ON CONFLICT (org_id, run_id, node) DO UPDATE SET verdict = excluded.verdict, facts = excluded.facts, judged_at = now()
"""
_FORGET: Final = "DELETE FROM engine.verify_nodes WHERE org_id = %(org)s AND run_id = %(run)s"
_END: Final = (
    "UPDATE engine.verify_runs SET state = %(state)s, finished_at = now(), report = %(report)s"
    " WHERE org_id = %(org)s AND id = %(run)s"
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run and its nodes: a ``Notebook``. ``resumed`` tells that an earlier process began it."""

    connection: psycopg.Connection
    org_id: UUID
    id: UUID
    resumed: bool

    def noted(self) -> Mapping[str, Noted]:
        rows = self.connection.execute(_NOTED, self._named()).fetchall()
        return {row[0]: (row[1], row[2]) for row in rows}

    def note(self, node: str, verdict: Verdict, facts: Mapping[str, Any]) -> None:
        values = {"node": node, "verdict": verdict, "facts": Jsonb(dict(facts))}
        self.connection.execute(_NOTE, {**self._named(), **values})

    def end(self, state: str, report: Mapping[str, Any]) -> None:
        """Close the run. Its nodes are kept only while it can be gone on with: the report has what differs."""
        with self.connection.transaction():
            self.connection.execute(_END, {**self._named(), "state": state, "report": Jsonb(dict(report))})
            self.connection.execute(_FORGET, self._named())

    def _named(self) -> dict[str, Any]:
        return {"org": self.org_id, "run": self.id}


@contextmanager
def begun_run(
    address: DatabaseAddress, org_id: UUID, migration: str, subject: str, plan: str, *, afresh: bool = False
) -> Iterator[Run]:
    """Hold the run of a subject: the one that was cut short under the same plan, else a new one.

    Raises:
        VerifyRunningError: another process is verifying the subject.
    """
    hashed = sha256(plan.encode()).hexdigest()
    named: dict[str, Any] = {"org": org_id, "migration": migration, "subject": subject, "plan": hashed}
    with psycopg.connect(
        address.libpq(Role.SYSTEM, application="caravan verify"), autocommit=True
    ) as connection:
        # A note that a crash of the server takes is a node judged again.
        connection.execute("SET synchronous_commit = off")
        locked = connection.execute(_LOCK, (str(org_id), migration, subject)).fetchone()
        if locked is None or not locked[0]:
            raise VerifyRunningError(f"another process is verifying {subject} of the migration {migration!r}")
        found = connection.execute(_OPEN, named).fetchone()
        if found is not None and (afresh or found[1] != hashed):
            connection.execute(_LEAVE, {**named, "run": found[0]})
            found = None
        run_id = uuid7() if found is None else found[0]
        if found is None:
            connection.execute(_BEGIN, {**named, "run": run_id})
        yield Run(connection, org_id, run_id, found is not None)
