"""A unit walks along an edge: guard measured and stored, inverse stored, then step by step, each of them journaled.

Every piece is a transaction of its own that commits only while the lease is held. A crash between two of them leaves an open
transition: asking for the same target finishes it, asking for the way back unwinds it. Steps are asked for again when it is
not known whether they were done, so a publisher has to be idempotent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from caravan.core.clock import Clock, utc_now
from caravan.core.errors import CaravanError
from caravan.core.ids import uuid7
from caravan.migration.config import MigrationConfig, Unit
from caravan.migration.units.errors import (
    GateClosedError,
    LeaseLostError,
    TransitionOpenError,
    UnitUnknownError,
)
from caravan.migration.units.guards import Check, GuardInput, checks_of
from caravan.migration.units.journal import append
from caravan.migration.units.lease import Lease
from caravan.migration.units.measurements import latest_measurements
from caravan.migration.units.publishing import Publication, Publisher
from caravan.migration.units.scope import Scope
from caravan.migration.units.states import STATES
from caravan.migration.units.store import OpenTransition, StoredUnit, open_transition, register, stored_units
from caravan.migration.units.values import FLIP_DONE, Step, UnitValues, unwinding_steps
from caravan.migration.units.ways import Target, Way, reached, way_to

__all__ = ["Coordinator", "Moved"]

Did: TypeAlias = Literal["moved", "finished", "unwound", "nothing"]

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
class Moved:
    """``did``: moved along an edge, finished or unwound one that was open, or nothing, since the unit was there."""

    did: Did
    unit: str
    edge: str
    before: UnitValues
    after: UnitValues


class Coordinator:
    """Moves the units of one migration. All calls are idempotent; one at a time, by the lease.

    ``by`` is who asks, for the journal.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        scope: Scope,
        config: MigrationConfig,
        publisher: Publisher,
        *,
        by: str,
        clock: Clock = utc_now,
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._config = config
        self._publisher = publisher
        self._by = by
        self._clock = clock

    def advance(self, lease: Lease, unit: str, target: str) -> Moved:
        """Go forward along one edge, when its guard lets the unit through.

        Raises:
            UnitUnknownError, EdgeMissingError, ComesWithDataError: it cannot be asked.
            GateClosedError: the guard; stored with its figures as a decision.
            NotConfirmedError and what else a publisher raises: a switch that has not flipped is unwound, anything else
                stays open and is finished by the same call.
            TransitionOpenError: another transition was interrupted.
            LeaseLostError: between two steps; the same call goes on.
        """
        return self._go(lease, unit, target, back=False)

    def back(self, lease: Lease, unit: str, target: str) -> Moved:
        """Go back along one edge; no guard stands in the way. An open transition is unwound first.

        Raises:
            UnitUnknownError, EdgeMissingError, ComesWithDataError, LeaseLostError: as ``advance``.
        """
        return self._go(lease, unit, target, back=True)

    def _go(self, lease: Lease, name: str, text: str, *, back: bool) -> Moved:
        declared = self._declared(name)
        target = Target.parse(text, self._config.gates)
        register(self._connection, self._scope, self._config, by=self._by, at=self._clock())
        pending = open_transition(self._connection, self._scope, name)
        if pending is not None:
            return self._settle(lease, name, pending, target, back=back)
        stored = stored_units(self._connection, self._scope)[name]
        if reached(stored.values, target, self._config.gates):
            return Moved("nothing", name, "", stored.values, stored.values)
        transition = uuid7()
        way = way_to(declared, stored.values, target, self._config.gates, back=back, transition=transition)
        if not way.edge.back:
            self._pass(declared, stored, way)
        self._begin(lease, name, transition, way)
        try:
            self._act(lease, name, transition, way.steps, done=0)
        except LeaseLostError:
            raise
        except CaravanError:
            self._give_up(lease, name)
            raise
        self._end(lease, name, transition, way.after, "done")
        return Moved("moved", name, way.edge.name, way.before, way.after)

    def _give_up(self, lease: Lease, name: str) -> None:
        """Unwind a switch that a gateway did not follow: clients' writes are waiting. Behind the flip it is left to be finished."""
        pending = open_transition(self._connection, self._scope, name)
        if pending is None or len(pending.steps) == 1 or pending.done_steps >= FLIP_DONE:
            return
        steps = self._unwinding(lease, name, pending)
        self._act(lease, name, pending.id, steps, done=0)
        self._end(lease, name, pending.id, pending.before, "undone")

    def _settle(
        self, lease: Lease, name: str, pending: OpenTransition, target: Target, *, back: bool
    ) -> Moved:
        """Finish an open transition when it leads to the target, unwind it when it came from there."""
        gates = self._config.gates
        if pending.phase == "acting" and reached(pending.after, target, gates):
            self._act(lease, name, pending.id, pending.steps, done=pending.done_steps)
            self._end(lease, name, pending.id, pending.after, "done")
            return Moved("finished", name, pending.edge, pending.before, pending.after)
        if back and reached(pending.before, target, gates):
            steps = self._unwinding(lease, name, pending)
            done = pending.done_steps if pending.phase == "unwinding" else 0
            self._act(lease, name, pending.id, steps, done=done)
            self._end(lease, name, pending.id, pending.before, "undone")
            return Moved("unwound", name, pending.edge, pending.after, pending.before)
        raise TransitionOpenError(
            f"{pending.edge!r} of {name!r}, begun by {pending.by} at {pending.began:%Y-%m-%d %H:%M:%S} UTC, is {pending.phase}:"
            f" finish it by advancing to {_told(pending.after)}, or unwind it by going back to {_told(pending.before)}."
        )

    def _declared(self, name: str) -> Unit:
        unit = self._config.unit(name)
        if unit is None:
            known = ", ".join(each.name for each in self._config.units) or "none"
            raise UnitUnknownError(f"{self._config.file}: there is no unit {name!r}; there are {known}.")
        return unit

    def _pass(self, unit: Unit, stored: StoredUnit, way: Way) -> None:
        """Measure the guard and store what was found; raises ``GateClosedError``."""
        given = GuardInput(
            self._config.gates,
            self._clock(),
            stored.entered_at,
            stored.values.stage,
            latest_measurements(self._connection, self._scope, unit.name),
        )
        checks = checks_of(way.edge.guards, given)
        passed = all(check.passed for check in checks)
        self._decide(unit.name, way, checks, passed=passed)
        if not passed:
            failed = [check for check in checks if not check.passed]
            raise GateClosedError(
                f"{way.edge.name!r} of {unit.name!r}:\n"
                + "\n".join(f"  {one.name}: {one.measured}; needed: {one.needed}" for one in failed),
                checks=[check.as_json() for check in checks],
            )

    def _decide(self, unit: str, way: Way, checks: Sequence[Check], *, passed: bool) -> None:
        written = [check.as_json() for check in checks]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            self._run(
                cursor,
                _DECIDE,
                row=uuid7(),
                unit=unit,
                edge=way.edge.name,
                passed=passed,
                checks=Jsonb(written),
            )
            facts = {"edge": way.edge.name, "passed": passed, "checks": written}
            self._note(cursor, unit, None, "guard", facts)

    def _begin(self, lease: Lease, unit: str, transition: UUID, way: Way) -> None:
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
            self._run(
                cursor,
                _BEGIN,
                id=transition,
                unit=unit,
                edge=way.edge.name,
                before=Jsonb(facts["before"]),
                after=Jsonb(facts["after"]),
                steps=Jsonb(facts["steps"]),
                inverse=Jsonb(facts["inverse"]),
            )
            self._note(cursor, unit, transition, "intent", facts)

    def _unwinding(self, lease: Lease, unit: str, pending: OpenTransition) -> list[Step]:
        if pending.phase == "unwinding":
            return pending.steps
        steps = unwinding_steps(pending.before, pending.after, pending.steps, pending.done_steps)
        with self._connection.transaction(), self._connection.cursor() as cursor:
            lease.hold(cursor)
            written = [step.as_json() for step in steps]
            self._run(cursor, _UNWIND, id=pending.id, steps=Jsonb(written))
            facts = {"edge": pending.edge, "after_steps": pending.done_steps, "steps": written}
            self._note(cursor, unit, pending.id, "unwind", facts)
        return steps

    def _act(self, lease: Lease, unit: str, transition: UUID, steps: Sequence[Step], *, done: int) -> None:
        for number, step in enumerate(steps):
            if number < done:
                continue
            with self._connection.transaction(), self._connection.cursor() as cursor:
                lease.hold(cursor)
                self._note(cursor, unit, transition, "step", {"number": number, **step.as_json()})
            told = self._publisher.publish(Publication(self._scope, unit, transition, number, step))
            with self._connection.transaction(), self._connection.cursor() as cursor:
                lease.hold(cursor)
                self._run(cursor, _STEP_DONE, id=transition, done=number + 1)
                self._place(cursor, unit, step.values)
                self._note(cursor, unit, transition, "effect", {"number": number, "told": dict(told)})

    def _end(self, lease: Lease, unit: str, transition: UUID, values: UnitValues, phase: str) -> None:
        now = self._clock()
        with self._connection.transaction(), self._connection.cursor() as cursor:
            lease.hold(cursor)
            self._run(cursor, _END, id=transition, phase=phase, at=now)
            self._place(cursor, unit, values, entered=now)
            self._run(cursor, _LEAVE, unit=unit, at=now)
            where = {"state": values.state, "stage": values.stage, "share": values.share}
            self._run(cursor, _STAY, row=uuid7(), unit=unit, at=now, id=transition, **where)
            self._note(cursor, unit, transition, phase, {"values": values.as_json()})

    def _place(
        self, cursor: psycopg.Cursor[Any], unit: str, values: UnitValues, entered: object = None
    ) -> None:
        self._run(cursor, _PLACE, unit=unit, entered=entered, **values.as_json())

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
        append(
            cursor,
            self._scope,
            at=self._clock(),
            phase=phase,
            by=self._by,
            facts=facts,
            unit=unit,
            transition=transition,
        )


def _told(values: UnitValues) -> str:
    return STATES[values.state].name + values.stage_told
