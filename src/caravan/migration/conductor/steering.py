"""Moves a unit's canary on or back, through the units' own transitions: guard, journal, route table, confirmation.

Everything here is synchronous: call it in a thread of its own, one movement at a time.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

import psycopg

from caravan.core.clock import Clock, utc_now
from caravan.core.database import DatabaseAddress
from caravan.migration.conductor.errors import NothingToPromoteError
from caravan.migration.config import MigrationConfig
from caravan.migration.units import (
    Coordinator,
    LeaseHeldError,
    Moved,
    Publisher,
    Scope,
    StoredUnit,
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
from caravan.migration.units.ways import target_text

__all__ = ["SHADOW", "Steering"]

CANARY: Final = 6
SHADOW: Final = "shadow-read"
_LEASE_PATIENCE: Final = 40.0
_LEASE_PAUSE: Final = 0.1


class Steering:
    """``by`` is who steers, for the journal: the conductor, or a person. Each call opens its own connection."""

    def __init__(
        self,
        address: DatabaseAddress,
        scope: Scope,
        config: MigrationConfig,
        *,
        by: str,
        publisher: Publisher | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._address = address
        self._scope = scope
        self._config = config
        self._by = by
        self._publisher = publisher or GatewayPublisher(address, config, by=by)
        self._clock = clock

    def promote(self, unit: str, figures: Mapping[str, Any] | None, reason: str) -> Moved:
        """Widen the canary by one stage, when its guard agrees. ``figures`` are of the decision; None leaves the last ones.

        Raises:
            NothingToPromoteError: the unit is not in a canary, or in its last stage: the switch is for people to make.
            CaravanError: what ``Coordinator.advance`` raises, ``GateClosedError`` among them.
        """
        with connected(self._address) as connection:
            register(connection, self._scope, self._config, by=self._by, at=self._clock())
            stored = self._in_canary(connection, unit)
            stages = self._config.gates.stages
            if stored.values.stage >= len(stages):
                raise NothingToPromoteError(f"{unit!r} is in its last stage; what remains is the switch.")
            if figures is not None:
                record_measurement(connection, self._scope, unit, "canary", figures, at=self._clock())
            sides = look_at_sides(self._config)
            record_measurement(connection, self._scope, unit, "sides", sides, at=self._clock())
            self._note(connection, unit, "promotion", reason, figures)
            return self._moved(connection, unit, f"canary:{stages[stored.values.stage]:g}", back=False)

    def roll_back(self, unit: str, figures: Mapping[str, Any] | None, reason: str) -> Moved:
        """Send everybody back to the old side. A transition that was cut short is unwound first.

        Raises:
            NothingToPromoteError: there is no canary.
            CaravanError: what ``Coordinator.back`` raises.
        """
        with connected(self._address) as connection:
            register(connection, self._scope, self._config, by=self._by, at=self._clock())
            self._in_canary(connection, unit)
            self._note(connection, unit, "rollback", reason, figures)
            pending = open_transition(connection, self._scope, unit)
            if pending is not None and pending.after.state == CANARY:
                before = target_text(pending.before, self._config.gates)
                moved = self._moved(connection, unit, before, back=True)
                if pending.before.state != CANARY:
                    return moved
            return self._moved(connection, unit, SHADOW, back=True)

    def _in_canary(self, connection: psycopg.Connection, unit: str) -> StoredUnit:
        stored = stored_units(connection, self._scope).get(unit)
        pending = open_transition(connection, self._scope, unit)
        if stored is None or (
            stored.values.state != CANARY and (pending is None or pending.after.state != CANARY)
        ):
            raise NothingToPromoteError(f"{unit!r} is not in a canary.")
        return stored

    def _moved(self, connection: psycopg.Connection, unit: str, target: str, *, back: bool) -> Moved:
        coordinator = Coordinator(
            connection, self._scope, self._config, self._publisher, by=self._by, clock=self._clock
        )
        deadline = time.monotonic() + _LEASE_PATIENCE
        while True:
            try:
                with held_lease(connection, self._scope) as lease:
                    return (coordinator.back if back else coordinator.advance)(lease, unit, target)
            except LeaseHeldError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LEASE_PAUSE)

    def _note(
        self,
        connection: psycopg.Connection,
        unit: str,
        phase: str,
        reason: str,
        figures: Mapping[str, Any] | None,
    ) -> None:
        facts = {"said": reason, "figures": dict(figures) if figures is not None else None}
        with connection.transaction(), connection.cursor() as cursor:
            append(cursor, self._scope, at=self._clock(), phase=phase, by=self._by, facts=facts, unit=unit)
