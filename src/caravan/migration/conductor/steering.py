"""Moves units, for the conductor and for people alike: one path with one set of guards, one journal, one rule for the last stage.

Everything here is synchronous: call it in a thread of its own, one movement at a time.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import psycopg

from caravan.core.clock import Clock, utc_now
from caravan.core.database import DatabaseAddress
from caravan.migration.conductor.errors import NothingToPromoteError, OvertakenError
from caravan.migration.conductor.wishes import refuse_held
from caravan.migration.config import MigrationConfig
from caravan.migration.units import (
    Coordinator,
    Lease,
    LeaseHeldError,
    Moved,
    Publisher,
    Scope,
    StoredUnit,
    UnitUnknownError,
    append,
    connected,
    held_lease,
    look_at_sides,
    record_measurement,
    register,
    stored_units,
)
from caravan.migration.units.gateway_publisher import GatewayPublisher
from caravan.migration.units.store import open_transition
from caravan.migration.units.ways import Target, target_text, way_to

__all__ = ["SHADOW", "Movement", "Steering"]

_Move: TypeAlias = Callable[[Lease], Moved]

CANARY: Final = 6
SHADOW: Final = "shadow-read"
_PATIENCE: Final = 40.0
_PAUSE: Final = 0.1
_LAST_MOVE: Final = """
SELECT by, created_at FROM engine.unit_transitions
WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s ORDER BY created_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Movement:
    """Where a unit is to go, and why. ``seen_at`` is where it was when that was decided; None: wherever it is.

    ``figures`` are of the decision behind it; None leaves those measured last.
    """

    unit: str
    target: str
    reason: str
    back: bool = False
    seen_at: str | None = None
    figures: Mapping[str, Any] | None = None


class Steering:
    """``by`` is who steers, for the journal: the conductor, or a person. Each call opens its own connection.

    ``patience``: seconds that a way forward waits while somebody else holds the lease; the way back always waits for long.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        scope: Scope,
        config: MigrationConfig,
        *,
        by: str,
        publisher: Publisher | None = None,
        clock: Clock = utc_now,
        patience: float = _PATIENCE,
    ) -> None:
        self._address = address
        self._scope = scope
        self._config = config
        self._by = by
        self._publisher = publisher or GatewayPublisher(address, config, by=by)
        self._clock = clock
        self._patience = patience

    def promote(self, unit: str, figures: Mapping[str, Any] | None, reason: str) -> Moved:
        """Widen the canary by one stage, when its guard agrees. ``figures`` are of the decision; None leaves the last ones.

        Raises:
            NothingToPromoteError: the unit is not in a canary, or in its last stage: the switch is for people to make.
            CaravanError: what ``advance`` raises.
        """
        stages = self._config.gates.stages
        with connected(self._address) as connection:
            stored = self._in_canary(connection, unit)
        if stored.values.stage >= len(stages):
            raise NothingToPromoteError(f"{unit!r} is in its last stage; what remains is the switch.")
        at = target_text(stored.values, self._config.gates)
        target = f"canary:{stages[stored.values.stage]:g}"
        return self.advance(Movement(unit, target, reason, seen_at=at, figures=figures))

    def advance(self, wanted: Movement) -> Moved:
        """Go on along one edge, when its guard agrees; nothing happens when the unit is there already.

        Raises:
            OvertakenError: the unit is not where it was seen; says who moved it.
            UnitHeldError: somebody holds it where it is.
            CaravanError: what ``Coordinator.advance`` raises, ``GateClosedError`` among them; and ``LeaseHeldError``.
        """
        with connected(self._address) as connection:
            register(connection, self._scope, self._config, by=self._by, at=self._clock())
            if (there := self._there(connection, wanted)) is not None:
                return there
            return self._leased(connection, self._patience, lambda lease: self._go(connection, lease, wanted))

    def back(self, wanted: Movement) -> Moved:
        """Go back along one edge; from a canary to where it was opened that is ``roll_back``.

        Raises:
            OvertakenError: as ``advance``.
            CaravanError: what ``Coordinator.back`` raises.
        """
        with connected(self._address) as connection:
            register(connection, self._scope, self._config, by=self._by, at=self._clock())
            if (there := self._there(connection, wanted)) is not None:
                return there
            stored = stored_units(connection, self._scope).get(wanted.unit)
            if stored is None or stored.values.state != CANARY or wanted.target != SHADOW:
                return self._leased(connection, _PATIENCE, lambda lease: self._go(connection, lease, wanted))
        return self.roll_back(wanted.unit, wanted.figures, wanted.reason)

    def roll_back(self, unit: str, figures: Mapping[str, Any] | None, reason: str) -> Moved:
        """Send everybody back to the old side. A transition that was cut short is unwound first.

        A dead command's lease is no obstacle (``held_lease`` takes it over); one of somebody alive is waited for.

        Raises:
            NothingToPromoteError: there is no canary.
            CaravanError: what ``Coordinator.back`` raises.
        """
        with connected(self._address) as connection:
            register(connection, self._scope, self._config, by=self._by, at=self._clock())
            self._in_canary(connection, unit)
            self._note(connection, unit, "rollback", reason, figures)
            return self._leased(connection, _PATIENCE, lambda lease: self._close(connection, lease, unit))

    def _go(self, connection: psycopg.Connection, lease: Lease, wanted: Movement) -> Moved:
        """Move under the lease, by what holds now and not by what held before it was waited for."""
        if (there := self._there(connection, wanted)) is not None:
            return there
        self._assert_way(connection, wanted)
        if not wanted.back:
            if wanted.figures is not None:
                self._measure(connection, wanted.unit, "canary", wanted.figures)
            self._measure(connection, wanted.unit, "sides", look_at_sides(self._config))
        word = "rollback" if wanted.back else "promotion"
        self._note(connection, wanted.unit, word, wanted.reason, wanted.figures, wanted.target)
        coordinator = self._coordinator(connection)
        return (coordinator.back if wanted.back else coordinator.advance)(lease, wanted.unit, wanted.target)

    def _assert_way(self, connection: psycopg.Connection, wanted: Movement) -> None:
        """Raise what ``Coordinator`` would, before a wish that leads nowhere is in the journal."""
        declared = self._config.unit(wanted.unit)
        target = Target.parse(wanted.target, self._config.gates)
        if declared is None:
            known = ", ".join(each.name for each in self._config.units) or "none"
            raise UnitUnknownError(
                f"{self._config.file}: there is no unit {wanted.unit!r}; there are {known}."
            )
        stored = stored_units(connection, self._scope)[wanted.unit]
        if open_transition(connection, self._scope, wanted.unit) is None:
            way_to(declared, stored.values, target, self._config.gates, back=wanted.back, salt="")

    def _close(self, connection: psycopg.Connection, lease: Lease, unit: str) -> Moved:
        coordinator = self._coordinator(connection)
        pending = open_transition(connection, self._scope, unit)
        if pending is not None and CANARY in (pending.before.state, pending.after.state):
            moved = coordinator.back(lease, unit, target_text(pending.before, self._config.gates))
            if pending.before.state != CANARY:
                return moved
        return coordinator.back(lease, unit, SHADOW)

    def _there(self, connection: psycopg.Connection, wanted: Movement) -> Moved | None:
        """Return what says that nothing is to be done, None when something is; raises for a wish that is of the past."""
        stored = stored_units(connection, self._scope).get(wanted.unit)
        if stored is None:
            return None
        here = {**self._scope.parameters, "unit": wanted.unit}
        cut_short = open_transition(connection, self._scope, wanted.unit) is not None
        at = target_text(stored.values, self._config.gates)
        if at == wanted.target and not cut_short:
            return Moved("nothing", wanted.unit, "", stored.values, stored.values)
        if wanted.seen_at not in (None, at) and not cut_short:
            who, when = connection.execute(_LAST_MOVE.encode(), here).fetchone() or (
                "Somebody",
                stored.entered_at,
            )
            raise OvertakenError(
                f"{who} moved {wanted.unit} to {at} at {when:%H:%M:%S} UTC; you saw it at {wanted.seen_at}."
            )
        if not wanted.back:
            refuse_held(connection, self._scope, wanted.unit)
        return None

    def _in_canary(self, connection: psycopg.Connection, unit: str) -> StoredUnit:
        stored = stored_units(connection, self._scope).get(unit)
        pending = open_transition(connection, self._scope, unit)
        if stored is None or (
            stored.values.state != CANARY and (pending is None or pending.after.state != CANARY)
        ):
            raise NothingToPromoteError(f"{unit!r} is not in a canary.")
        return stored

    def _leased(self, connection: psycopg.Connection, patience: float, move: _Move) -> Moved:
        deadline = time.monotonic() + patience
        while True:
            try:
                with held_lease(connection, self._scope, holder=self._by) as lease:
                    return move(lease)
            except LeaseHeldError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE)

    def _coordinator(self, connection: psycopg.Connection) -> Coordinator:
        return Coordinator(
            connection, self._scope, self._config, self._publisher, by=self._by, clock=self._clock
        )

    def _measure(
        self, connection: psycopg.Connection, unit: str, kind: str, figures: Mapping[str, Any]
    ) -> None:
        record_measurement(connection, self._scope, unit, kind, figures, at=self._clock())

    def _note(
        self,
        connection: psycopg.Connection,
        unit: str,
        phase: str,
        reason: str,
        figures: Mapping[str, Any] | None,
        target: str | None = None,
    ) -> None:
        facts = {"said": reason, "figures": dict(figures) if figures is not None else None}
        if target is not None:
            facts["target"] = target
        with connection.transaction(), connection.cursor() as cursor:
            append(cursor, self._scope, at=self._clock(), phase=phase, by=self._by, facts=facts, unit=unit)
