"""What is written while a unit moves: each piece is one transaction that commits only while the lease is held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from caravan.core.clock import Clock
from caravan.core.errors import CaravanError
from caravan.core.ids import uuid7
from caravan.migration.units.guards import Check
from caravan.migration.units.journal import append
from caravan.migration.units.lease import Lease
from caravan.migration.units.scope import Scope
from caravan.migration.units.values import Step, UnitValues
from caravan.migration.units.ways import Way

__all__ = ["TransitionRows", "Walk"]

_BEGIN: Final = """
INSERT INTO engine.unit_transitions (org_id, id, migration, unit, edge, phase, before, after, steps, inverse, by)
VALUES (%(org)s, %(id)s, %(migration)s, %(unit)s, %(edge)s, 'acting', %(before)s, %(after)s, %(steps)s, %(inverse)s, %(by)s)
"""
_UNWIND: Final = """
UPDATE engine.unit_transitions SET phase = 'unwinding', steps = %(steps)s, done_steps = 0 WHERE org_id = %(org)s AND id = %(id)s
"""
_STEP_DONE: Final = (
    "UPDATE engine.unit_transitions SET done_steps = %(done)s WHERE org_id = %(org)s AND id = %(id)s"
)
_END: Final = "UPDATE engine.unit_transitions SET phase = %(phase)s, ended_at = %(at)s WHERE org_id = %(org)s AND id = %(id)s"
_PLACE: Final = """
UPDATE engine.units SET state = %(state)s, stage = %(stage)s, share = %(share)s, salt = %(salt)s, armed = %(armed)s,
    held = %(held)s, entered_at = coalesce(%(entered)s, entered_at)
WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s
"""
_LEAVE: Final = """
UPDATE engine.unit_states SET left_at = %(at)s
WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s AND left_at IS NULL
"""
_STAY: Final = """
INSERT INTO engine.unit_states (org_id, id, migration, unit, state, stage, share, entered_at, transition, by)
VALUES (%(org)s, %(row)s, %(migration)s, %(unit)s, %(state)s, %(stage)s, %(share)s, %(at)s, %(id)s, %(by)s)
"""
_DECIDE: Final = """
INSERT INTO engine.unit_decisions (org_id, id, migration, unit, edge, passed, checks, by)
VALUES (%(org)s, %(row)s, %(migration)s, %(unit)s, %(edge)s, %(passed)s, %(checks)s, %(by)s)
"""


@dataclass(frozen=True, slots=True)
class Walk:
    """A transition on its way: what its steps lead from and to."""

    unit: str
    id: UUID
    before: UnitValues
    after: UnitValues


class TransitionRows:
    """Writes transitions, places of units, decisions, and their journal."""

    def __init__(self, connection: psycopg.Connection, scope: Scope, *, by: str, clock: Clock) -> None:
        self._connection = connection
        self._scope = scope
        self._by = by
        self._clock = clock

    def decide(self, unit: str, way: Way, checks: Sequence[Check], *, passed: bool) -> None:
        """Write down how a guard looked at the unit."""
        written = [check.as_json() for check in checks]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            row = {"row": uuid7(), "unit": unit, "edge": way.edge.name, "passed": passed}
            self._run(cursor, _DECIDE, **row, checks=Jsonb(written))
            facts = {"edge": way.edge.name, "passed": passed, "checks": written}
            self._note(cursor, unit, None, "guard", facts)

    def begin(self, lease: Lease, walk: Walk, way: Way) -> None:
        """Write the whole way down, its inverse with it, before anything acts."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            lease.hold(cursor)
            facts = {
                "edge": way.edge.name,
                "before": way.before.as_json(),
                "after": way.after.as_json(),
                "steps": [step.as_json() for step in way.steps],
                "inverse": [step.as_json() for step in way.inverse],
                "fencing": lease.fencing,
            }
            columns = {name: Jsonb(facts[name]) for name in ("before", "after", "steps", "inverse")}
            self._run(cursor, _BEGIN, id=walk.id, unit=walk.unit, edge=way.edge.name, **columns)
            self._note(cursor, walk.unit, walk.id, "intent", facts)

    def unwind(self, lease: Lease, walk: Walk, edge: str, done_steps: int, steps: Sequence[Step]) -> None:
        """From now on the transition's steps are those that lead back."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            lease.hold(cursor)
            written = [step.as_json() for step in steps]
            self._run(cursor, _UNWIND, id=walk.id, steps=Jsonb(written))
            facts = {"edge": edge, "after_steps": done_steps, "steps": written}
            self._note(cursor, walk.unit, walk.id, "unwind", facts)

    def intend(self, lease: Lease, walk: Walk, number: int, step: Step) -> None:
        """Say what is done next."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            lease.hold(cursor)
            self._note(cursor, walk.unit, walk.id, "step", {"number": number, **step.as_json()})

    def fail(self, walk: Walk, error: BaseException) -> None:
        """Say why it goes no further, with the checks of a preflight that refused; what then is done is written like everything."""
        facts: dict[str, Any] = {"error": type(error).__name__, "said": str(error)}
        if isinstance(error, CaravanError):
            facts = {"error": error.code, "said": error.message}
            if "checks" in error.details:
                facts["checks"] = error.details["checks"]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            self._note(cursor, walk.unit, walk.id, "failed", facts)

    def did(self, lease: Lease, walk: Walk, number: int, step: Step, told: Mapping[str, Any]) -> None:
        """Say that it is done: the unit is where the step's values say."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            lease.hold(cursor)
            self._run(cursor, _STEP_DONE, id=walk.id, done=number + 1)
            self._run(cursor, _PLACE, unit=walk.unit, entered=None, **step.values.as_json())
            self._note(cursor, walk.unit, walk.id, "effect", {"number": number, "told": dict(told)})

    def end(self, lease: Lease, walk: Walk, values: UnitValues, phase: str) -> None:
        """Say that the transition is over, and where the unit stays."""
        now = self._clock()
        with self._connection.transaction(), self._connection.cursor() as cursor:
            lease.hold(cursor)
            self._run(cursor, _END, id=walk.id, phase=phase, at=now)
            self._run(cursor, _PLACE, unit=walk.unit, entered=now, **values.as_json())
            self._run(cursor, _LEAVE, unit=walk.unit, at=now)
            where = {"state": values.state, "stage": values.stage, "share": values.share}
            self._run(cursor, _STAY, row=uuid7(), unit=walk.unit, at=now, id=walk.id, **where)
            self._note(cursor, walk.unit, walk.id, phase, {"values": values.as_json()})

    def _run(self, cursor: psycopg.Cursor[Any], statement: str, **values: object) -> None:
        cursor.execute(statement.encode(), {**self._scope.parameters, "by": self._by, **values})

    def _note(
        self,
        cursor: psycopg.Cursor[Any],
        unit: str,
        transition: UUID | None,
        phase: str,
        facts: Mapping[str, Any],
    ) -> None:
        at = self._clock()
        append(
            cursor,
            self._scope,
            at=at,
            phase=phase,
            by=self._by,
            facts=facts,
            unit=unit,
            transition=transition,
        )
