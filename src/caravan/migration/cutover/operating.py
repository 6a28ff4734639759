"""What operators do with a unit that has data: switch, reverse, ramp down, complete. Each call may be repeated.

A call that finds a cutover that was cut short settles it first, and does nothing else: before its flip it is undone, behind it
finished. When the database or a store goes away in the middle, the call waits for it for a while and settles what it began itself.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from caravan.core.clock import Clock, utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.errors import CaravanError
from caravan.migration.conductor.errors import UnitHeldError
from caravan.migration.conductor.wishes import refuse_held
from caravan.migration.config import MigrationConfig
from caravan.migration.cutover.carrying import Carrier
from caravan.migration.cutover.errors import ConsentMissingError, CutShortError
from caravan.migration.cutover.parties import Parties
from caravan.migration.cutover.preflight import Look
from caravan.migration.cutover.roles import Roles, roles_of
from caravan.migration.units import (
    STATES,
    Coordinator,
    GateClosedError,
    Lease,
    LeaseHeldError,
    LeaseLostError,
    Moved,
    Publisher,
    Scope,
    UndoOpenError,
    UnitUnknownError,
    UnitValues,
    append,
    connected,
    held_lease,
    latest_measurements,
    look_at_sides,
    record_measurement,
    register,
    stored_units,
)
from caravan.migration.units.publishing import KeptOpen
from caravan.migration.units.states import COMPLETE, RAMP_DOWN, SHADOW_READ, SWITCHED
from caravan.migration.units.ways import Way

__all__ = ["Cutovers", "Operation"]

_PATIENCE: Final = 60.0
_PAUSE: Final = 0.1
_REFUSED: Final = (GateClosedError, LeaseHeldError, LeaseLostError, UnitHeldError, UnitUnknownError)


@dataclass(frozen=True, slots=True)
class Operation:
    """One open connection with the lease held, for what needs several steps."""

    connection: psycopg.Connection
    lease: Lease
    coordinator: Coordinator


class Cutovers:
    """Cutovers of one migration. ``publisher`` speaks to the gateways, ``sides`` asks both sides' health paths.

    ``patience`` is how long a call tries to settle what it began itself.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        scope: Scope,
        config: MigrationConfig,
        parties: Parties,
        publisher: Publisher,
        *,
        by: str,
        clock: Clock = utc_now,
        sides: Callable[[], Mapping[str, bool]] | None = None,
    ) -> None:
        self.address, self.scope, self.config, self.parties = address, scope, config, parties
        self.by, self.clock = by, clock
        self._sides = sides or (lambda: look_at_sides(config))
        self.patience = _PATIENCE
        self._publisher = publisher
        self.carrier = Carrier(
            parties, publisher, config, waived=self._waived, sides=self._sides, clock=clock
        )

    def switch(self, unit: str) -> Moved:
        """Give write authority to the new side.

        Raises:
            GateClosedError, PreflightError: what was measured does not let it; nothing was held or fenced.
            CaravanError: a step's own; everything was undone.
            LeaseHeldError: somebody else is changing this migration.
            UnitHeldError: somebody holds the unit where it is; the way back is open all the same.
        """
        return self._settling(unit, lambda on: self._advance(on, unit, STATES[SWITCHED].name))

    def reverse(self, unit: str) -> Moved:
        """Give write authority back to the old side: the same steps, with the roles swapped.

        Raises:
            CompleteIsFinalError: the unit is complete.
            CaravanError: as ``switch``.
        """

        def act(on: Operation) -> Moved:
            if self._at(on, unit).state == RAMP_DOWN:
                on.coordinator.back(on.lease, unit, STATES[SWITCHED].name)
            return on.coordinator.back(on.lease, unit, STATES[SHADOW_READ].name)

        return self._settling(unit, act)

    def advance(self, unit: str, target: str) -> Moved:
        """Go along an edge whose guards look at the data: what the flow and the last verification say is measured first.

        Raises:
            GateClosedError: what was measured does not let it.
        """
        return self._settling(unit, lambda on: self._advance(on, unit, target))

    def ramp_down(self, unit: str) -> Moved:
        """Say that the way back is not expected to be gone any more; the old side stays fenced and current."""
        return self._settling(unit, lambda on: self._advance(on, unit, STATES[RAMP_DOWN].name))

    def complete(self, unit: str, said: str) -> Moved:
        """End the flow back, for good. ``said`` is a person's yes, in their words.

        Raises:
            ConsentMissingError: nobody says anything.
            GateClosedError: no drill has passed in time.
        """
        if not said.strip():
            raise ConsentMissingError(f"Completing {unit!r} cannot be undone.")

        def act(on: Operation) -> Moved:
            if self._at(on, unit).state == RAMP_DOWN:
                self._measure(on, unit, "consent", {"by": self.by, "said": said})
            return self._advance(on, unit, STATES[COMPLETE].name)

        return self._settling(unit, act)

    def stop_capture(self, unit: str) -> Moved:
        """Go back from synced to replayed: the flow is ended."""
        return self._settling(unit, lambda on: on.coordinator.back(on.lease, unit, "replayed"))

    def settle(self, unit: str) -> Moved | None:
        """Finish or undo a cutover of this unit that was cut short; None where there is none."""
        with self.opened() as on:
            return on.coordinator.settle(on.lease, unit)

    def verify(self, unit: str) -> Mapping[str, Any]:
        """Compare all of the unit's data while changes flow, and write the figures down for the guards."""
        figures = dict(self.parties.verification.measure())
        self.measure(unit, "verification", figures, "measured")
        return figures

    def look(self, roles: Roles) -> Look:
        """Return what a preflight would look at now."""
        return self.carrier.look(roles)

    def walk(self, unit: str, way: Way) -> Moved:
        """Go a way that is no edge, as a drill does; settles as every call."""
        return self._settling(unit, lambda on: on.coordinator.walk(on.lease, unit, way))

    def measure(self, unit: str, kind: str, figures: Mapping[str, Any], phase: str) -> None:
        """Write figures down for a guard, and into the journal under a name of their own."""
        with connected(self.address) as connection, connection.transaction(), connection.cursor() as cursor:
            record_measurement(connection, self.scope, unit, kind, figures, at=self.clock())
            append(cursor, self.scope, at=self.clock(), phase=phase, by=self.by, facts=figures, unit=unit)

    @contextmanager
    def opened(self) -> Iterator[Operation]:
        """Open a connection and hold the lease; raises ``LeaseHeldError``."""
        kept = self._publisher.kept_open() if isinstance(self._publisher, KeptOpen) else nullcontext()
        with (
            connected(self.address) as connection,
            held_lease(connection, self.scope) as lease,
            kept,
            self.parties.kept_open(),
        ):
            coordinator = Coordinator(
                connection,
                self.scope,
                self.config,
                self.carrier,
                by=self.by,
                clock=self.clock,
                performer=self.carrier,
            )
            yield Operation(connection, lease, coordinator)

    def _settling(self, unit: str, act: Callable[[Operation], Moved]) -> Moved:
        try:
            with self.opened() as on:
                register(on.connection, self.scope, self.config, by=self.by, at=self.clock())
                return on.coordinator.settle(on.lease, unit) or act(on)
        except _REFUSED:
            raise
        except Exception as error:
            settled = self._settled(unit)
            if settled is None:
                raise
            if settled.did == "finished":
                return settled
            raise CutShortError(f"{_said(error)} It was undone.") from error

    def _settled(self, unit: str) -> Moved | None:
        """Settle what is open, as soon as database and stores let us; raises what stands against it when patience ends."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return self.settle(unit)
            except LeaseHeldError:
                return None
            except (CaravanError, psycopg.Error):
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE)

    def _advance(self, on: Operation, unit: str, target: str) -> Moved:
        refuse_held(on.connection, self.scope, unit)
        values = self._at(on, unit)
        roles = roles_of(self.parties, UnitValues(SWITCHED))
        # Beyond the switch, the flow and the verification that count are those of the way back.
        flow = roles.drained if values.state < SWITCHED else roles.back
        lag, verified = flow.lag(), self.parties.verification.last()
        seconds = lag.seconds if math.isfinite(lag.seconds) else None
        figures = {"running": flow.running(), "seconds": seconds, "transactions": lag.transactions}
        self._measure(on, unit, "lag", figures)
        if verified is not None:
            known = latest_measurements(on.connection, self.scope, unit).get("verification")
            more = known.figures if known is not None and known.at == verified.at else {}
            compared = {**more, "rows": verified.rows, "differing": verified.differing}
            record_measurement(on.connection, self.scope, unit, "verification", compared, at=verified.at)
        self._measure(on, unit, "sides", dict(self._sides()))
        return on.coordinator.advance(on.lease, unit, target)

    def _measure(self, on: Operation, unit: str, kind: str, figures: Mapping[str, Any]) -> None:
        record_measurement(on.connection, self.scope, unit, kind, figures, at=self.clock())

    def _at(self, on: Operation, unit: str) -> UnitValues:
        found = stored_units(on.connection, self.scope).get(unit)
        return found.values if found else UnitValues()

    def _waived(self, class_: str) -> bool:
        return self.config.waived(class_, self.clock().date())


def _said(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, UndoOpenError) and error.__cause__ else error
    return cause.message if isinstance(cause, CaravanError) else f"{type(cause).__name__}: {cause}"
