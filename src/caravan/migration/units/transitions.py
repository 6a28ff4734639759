"""A unit walks along an edge: guard measured and stored, inverse stored, then step by step, each of them journaled.

Every piece is a transaction of its own that commits only while the lease is held. A crash between two of them leaves an open
transition. Of a cutover the same call settles it: before its flip it is unwound, behind it finished. Of any other edge, asking for
the same target finishes it and asking for the way back unwinds it. Steps are asked for again when it is not known whether they were
done, so publishers and performers have to be idempotent.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import psycopg

from caravan.core.clock import Clock, utc_now
from caravan.core.errors import CaravanError
from caravan.core.ids import uuid7
from caravan.migration.config import MigrationConfig, Unit
from caravan.migration.units.cutover_steps import cutover_unwinding, flip_index, is_cutover
from caravan.migration.units.errors import (
    ComesWithDataError,
    CompleteIsFinalError,
    GateClosedError,
    LeaseLostError,
    TransitionOpenError,
    UndoOpenError,
    UnitUnknownError,
)
from caravan.migration.units.guards import GuardInput, checks_of
from caravan.migration.units.lease import Lease
from caravan.migration.units.measurements import latest_measurements
from caravan.migration.units.performing import Performance, Performer
from caravan.migration.units.publishing import Publication, Publisher
from caravan.migration.units.scope import Scope
from caravan.migration.units.states import COMPLETE, STATES, SWITCHED
from caravan.migration.units.store import OpenTransition, StoredUnit, open_transition, register, stored_units
from caravan.migration.units.transition_rows import TransitionRows, Walk
from caravan.migration.units.values import FLIP_DONE, Step, UnitValues, unwinding_steps
from caravan.migration.units.ways import Target, Way, reached, way_to

__all__ = ["Coordinator", "Moved"]

Did: TypeAlias = Literal["moved", "finished", "unwound", "nothing"]


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

    ``by`` is who asks, for the journal. Edges that act on data need a ``performer``.
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
        performer: Performer | None = None,
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._config = config
        self._publisher = publisher
        self._performer = performer
        self._by = by
        self._clock = clock
        self._rows = TransitionRows(connection, scope, by=by, clock=clock)

    def advance(self, lease: Lease, unit: str, target: str) -> Moved:
        """Go forward along one edge, when its guard lets the unit through.

        Raises:
            UnitUnknownError, EdgeMissingError, ComesWithDataError: it cannot be asked.
            GateClosedError: the guard; stored with its figures as a decision.
            NotConfirmedError and what else a publisher or performer raises: a switch that has not flipped is unwound, anything
                else stays open and is finished by the same call.
            UndoOpenError: unwinding failed too; the same call goes on with it.
            TransitionOpenError: another transition was interrupted.
            LeaseLostError: between two steps; the same call goes on.
        """
        return self._go(lease, unit, target, back=False)

    def back(self, lease: Lease, unit: str, target: str) -> Moved:
        """Go back along one edge; no guard stands in the way. An open transition is unwound first.

        Raises:
            UnitUnknownError, EdgeMissingError, ComesWithDataError, LeaseLostError: as ``advance``.
            CompleteIsFinalError: nothing leads back from complete.
        """
        return self._go(lease, unit, target, back=True)

    def walk(self, lease: Lease, unit: str, way: Way) -> Moved:
        """Go a way that no edge of the table is, as a drill does; whoever asks has made sure that it may be gone.

        Raises:
            TransitionOpenError: one was interrupted; ``settle`` it first.
            CaravanError: what ``advance`` raises of steps.
        """
        self._declared(unit)
        register(self._connection, self._scope, self._config, by=self._by, at=self._clock())
        pending = open_transition(self._connection, self._scope, unit)
        if pending is not None:
            raise self._open(unit, pending)
        return self._walk(lease, unit, way)

    def settle(self, lease: Lease, unit: str) -> Moved | None:
        """Finish or unwind a cutover that was interrupted; None where there is none."""
        self._declared(unit)
        pending = open_transition(self._connection, self._scope, unit)
        if pending is None or not is_cutover(pending.inverse):
            return None
        return self._settle_cutover(lease, unit, pending)

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
        way = way_to(declared, stored.values, target, self._config.gates, back=back, salt=uuid7().hex)
        if way.edge.comes_with_data and self._performer is None:
            sets = ", ".join(declared.data_sets)
            raise ComesWithDataError(f"{way.edge.name!r} of {name!r} moves the data of {sets}.")
        if not way.edge.back:
            self._pass(declared, stored, way)
        return self._walk(lease, name, way)

    def _walk(self, lease: Lease, name: str, way: Way) -> Moved:
        walk = Walk(name, uuid7(), way.before, way.after)
        self._rows.begin(lease, walk, way)
        try:
            self._act(lease, walk, way.steps, done=0)
        except LeaseLostError:
            raise
        except (Exception, KeyboardInterrupt) as error:
            with suppress(psycopg.Error):  # what failed may be the database itself
                self._rows.fail(walk, error)
            self._give_up(lease, name, error)
            raise
        self._rows.end(lease, walk, way.after, "done")
        return Moved("moved", name, way.edge.name, way.before, way.after)

    def _give_up(self, lease: Lease, name: str, error: BaseException) -> None:
        """Unwind what has not flipped: clients' writes are waiting. Behind the flip it is left to be finished."""
        try:
            pending = open_transition(self._connection, self._scope, name)
            if pending is None or not self._can_give_up(name, pending):
                return
            self._unwind(lease, name, pending)
        except (CaravanError, psycopg.Error) as second:
            raise UndoOpenError(f"{_said(error)} Undoing it failed too: {_said(second)}") from error

    def _can_give_up(self, name: str, pending: OpenTransition) -> bool:
        if is_cutover(pending.inverse):
            return pending.phase == "unwinding" or not self._flipped(name, pending)
        return pending.steps[-1].name != "publish" and pending.done_steps < FLIP_DONE

    def _settle(
        self, lease: Lease, name: str, pending: OpenTransition, target: Target, *, back: bool
    ) -> Moved:
        """Finish an open transition when it leads to the target, unwind it when it came from there."""
        gates = self._config.gates
        onward, homeward = reached(pending.after, target, gates), reached(pending.before, target, gates)
        walk = Walk(name, pending.id, pending.before, pending.after)
        if is_cutover(pending.inverse) and (onward or homeward):
            return self._settle_cutover(lease, name, pending)
        if pending.phase == "acting" and onward:
            self._act(lease, walk, pending.steps, done=pending.done_steps)
            self._rows.end(lease, walk, pending.after, "done")
            return Moved("finished", name, pending.edge, pending.before, pending.after)
        if back and homeward and pending.after.state == COMPLETE:
            raise CompleteIsFinalError(f"{name!r} is being completed; that can only be finished.")
        if back and homeward:
            return self._unwind(lease, name, pending)
        raise self._open(name, pending)

    def _settle_cutover(self, lease: Lease, name: str, pending: OpenTransition) -> Moved:
        if pending.phase == "acting" and self._flipped(name, pending):
            walk = Walk(name, pending.id, pending.before, pending.after)
            self._act(lease, walk, pending.steps, done=pending.done_steps)
            self._rows.end(lease, walk, pending.after, "done")
            return Moved("finished", name, pending.edge, pending.before, pending.after)
        return self._unwind(lease, name, pending)

    def _flipped(self, name: str, pending: OpenTransition) -> bool:
        """Tell whether the other side may have authority already: where the flip was begun, the gateways' table says it."""
        flip = flip_index(pending.steps)
        if pending.done_steps != flip:
            return pending.done_steps > flip
        found = self._publisher.in_force(self._scope, name)
        return found is not None and (found.state >= SWITCHED) == (pending.after.state >= SWITCHED)

    def _open(self, name: str, pending: OpenTransition) -> TransitionOpenError:
        return TransitionOpenError(
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
            self._config.waived_guards(self._clock().date()),
        )
        checks = checks_of(way.edge.guards, given)
        passed = all(check.passed for check in checks)
        self._rows.decide(unit.name, way, checks, passed=passed)
        if not passed:
            failed = [check for check in checks if not check.passed]
            raise GateClosedError(
                f"{way.edge.name!r} of {unit.name!r}:\n"
                + "\n".join(f"  {one.name}: {one.measured}; needed: {one.needed}" for one in failed),
                checks=[check.as_json() for check in checks],
            )

    def _unwind(self, lease: Lease, name: str, pending: OpenTransition) -> Moved:
        walk = Walk(name, pending.id, pending.before, pending.after)
        steps, done = pending.steps, pending.done_steps
        if pending.phase != "unwinding":
            steps = (
                cutover_unwinding(pending.before, steps, done)
                if is_cutover(steps)
                else unwinding_steps(pending.before, pending.after, steps, done)
            )
            self._rows.unwind(lease, walk, pending.edge, done, steps)
            done = 0
        self._act(lease, walk, steps, done=done)
        self._rows.end(lease, walk, pending.before, "undone")
        return Moved("unwound", name, pending.edge, pending.after, pending.before)

    def _act(self, lease: Lease, walk: Walk, steps: Sequence[Step], *, done: int) -> None:
        for number, step in enumerate(steps):
            if number >= done:
                self._rows.intend(lease, walk, number, step)
                told = self._do(walk, number, step)
                self._rows.did(lease, walk, number, step, told)

    def _do(self, walk: Walk, number: int, step: Step) -> Mapping[str, Any]:
        if not step.effect:
            return self._publisher.publish(Publication(self._scope, walk.unit, walk.id, number, step))
        if self._performer is None:
            raise ComesWithDataError(f"The step {step.name!r} of {walk.unit!r} acts on its stores.")
        return self._performer.perform(
            Performance(self._scope, walk.unit, walk.id, number, step, walk.before, walk.after)
        )


def _told(values: UnitValues) -> str:
    return STATES[values.state].name + values.stage_told


def _said(error: BaseException) -> str:
    return (
        error.message if isinstance(error, CaravanError) else f"{type(error).__name__}: {error}".rstrip(": ")
    )
