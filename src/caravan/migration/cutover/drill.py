"""A drill: switch, write, reverse, and prove that nothing was lost or doubled. The unit ends where it began.

It begins in the last stage of a canary, in switched or in ramp-down, and goes the way there and back by the very steps of a cutover.
Probes are written before, between and after, through the front door; each has to be on both sides exactly once. What fails is
written into the certificate, and the way back is gone all the same.
"""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final, Protocol

from caravan import __version__
from caravan.core.errors import CaravanError
from caravan.migration.cutover.certificate import Certificate, Leg, Probed, moment
from caravan.migration.cutover.errors import DrillRefusedError
from caravan.migration.cutover.hold_shares import timed_steps
from caravan.migration.cutover.operating import Cutovers
from caravan.migration.cutover.roles import SideName
from caravan.migration.units import STATES, Moved, UnitValues, connected, entries, stored_units
from caravan.migration.units.states import CANARY, EDGES, RAMP_DOWN, SHADOW_READ, SWITCHED
from caravan.migration.units.ways import Way, way_between

__all__ = ["Drill", "Probes"]

_PATIENCE: Final = 30.0
_PAUSE: Final = 0.02
_EDGES: Final = {edge.name: edge for edge in EDGES}


class Probes(Protocol):
    """Rows that nobody else writes."""

    def write(self, number: int) -> str:
        """Write one as a client would, to whichever side has authority; returns its key."""

    def found(self, side: SideName, keys: Sequence[str]) -> Mapping[str, int]:
        """Return how often each of these is on a side."""

    def remove(self, keys: Sequence[str]) -> None:
        """Take them out again, as a client would."""


class Drill:
    """``each`` probes are written at each of the three moments; ``patience`` is how long a flow may take to carry them."""

    def __init__(
        self, cutovers: Cutovers, probes: Probes, *, each: int = 5, patience: float = _PATIENCE
    ) -> None:
        self._cutovers = cutovers
        self._probes = probes
        self._each = each
        self._patience = patience
        self._keys: list[str] = []
        self._problems: list[str] = []
        self._sums: dict[str, dict[str, dict[str, Any]]] = {}
        self._legs: list[Leg] = []

    def run(self, unit: str) -> Certificate:
        """Go there and back, measure, and write the outcome down for the guard of ``complete``.

        Raises:
            DrillRefusedError: the unit is not where a drill may begin.
            ProbeFailedError: not even the first probes could be written; nothing was switched.
            CaravanError: a former cutover could not be settled.
        """
        self._cutovers.settle(unit)
        there, back = self._ways(unit)
        began = self._cutovers.clock()
        self._write("before")
        if self._leg(unit, "there", there):
            self._write("between")
            if self._leg(unit, "back", back):
                self._write("after")
        probed = self._look_for_probes()
        certificate = Certificate(
            self._cutovers.scope.migration,
            unit,
            self._cutovers.by,
            moment(began),
            moment(self._cutovers.clock()),
            {"caravan": __version__, "python": platform.python_version()},
            tuple(self._legs),
            probed,
            self._sums,
            tuple(self._problems),
        )
        figures = {
            "passed": certificate.passed,
            "lost_and_doubled": certificate.lost_and_doubled,
            "certificate": certificate.hash,
            "document": certificate.document(),
        }
        self._cutovers.measure(unit, "drill", figures, "certificate")
        return certificate

    def _ways(self, unit: str) -> tuple[Way, Way]:
        """Return the way there and the way back, which ends with exactly the values of now."""
        with connected(self._cutovers.address, read_only=True) as connection:
            found = stored_units(connection, self._cutovers.scope).get(unit)
        values = found.values if found else UnitValues()
        stages = len(self._cutovers.config.gates.stages)
        declared = self._cutovers.config.unit(unit)
        ready = (values.state == CANARY and values.stage >= stages) or values.state in {SWITCHED, RAMP_DOWN}
        if declared is None or not declared.has_data or not ready:
            name = STATES[values.state].name + values.stage_told
            raise DrillRefusedError(
                f"The unit {unit!r} is {name}, with{'' if declared and declared.has_data else 'out'} data."
            )
        over, home = (_EDGES[name] for name in ("cut over", "cut back"))
        if values.state == CANARY:
            there, back, away = over, home, UnitValues(SWITCHED)
        else:
            there, back, away = home, over, UnitValues(SHADOW_READ)
        return (
            way_between(replace(there, name="drill there"), values, away),
            way_between(replace(back, name="drill back"), away, values),
        )

    def _write(self, when: str) -> None:
        """Write probes and wait until both sides have the same rows: what a flow carries needs a moment."""
        self._send(when)
        deadline = time.monotonic() + self._patience
        verification = self._cutovers.parties.verification
        while True:
            old, new = verification.sums("old"), verification.sums("new")
            if old == new or time.monotonic() >= deadline:
                break
            time.sleep(_PAUSE)
        self._sums[when] = {
            side: {name: asdict(one) for name, one in sums.items()}
            for side, sums in (("old", old), ("new", new))
        }
        if old != new:
            differing = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
            self._problems.append(f"{when}: the sides differ in {', '.join(differing)}")

    def _send(self, when: str) -> None:
        """Write probes. Before the way there one that fails ends the drill; behind it the way back is gone all the same."""
        for _ in range(self._each):
            try:
                self._keys.append(self._probes.write(len(self._keys)))
            except CaravanError as error:
                if when == "before":
                    raise
                self._problems.append(f"{when}: {error.message}")

    def _leg(self, unit: str, name: str, way: Way) -> bool:
        try:
            moved: Moved | None = self._cutovers.walk(unit, way)
        except CaravanError as error:
            self._problems.append(f"{name}: {error.message}")
            moved = None
        self._legs.append(self._timed(unit, name, way.edge.name))
        return moved is not None

    def _timed(self, unit: str, name: str, edge: str) -> Leg:
        """Read in the journal how long each step took."""
        with connected(self._cutovers.address, read_only=True) as connection:
            told = list(entries(connection, self._cutovers.scope, unit))
        last = next(
            (one for one in reversed(told) if one.phase == "intent" and one.facts.get("edge") == edge), None
        )
        own = [one for one in told if last is not None and one.transition == last.transition]
        if not own:
            return Leg(name, "", "refused", 0.0, 0.0, ())
        held = [one.facts["told"].get("held_seconds", 0.0) for one in own if one.phase == "effect"]
        seconds = (own[-1].at - own[0].at).total_seconds()
        return Leg(
            name,
            str(own[0].transition),
            own[-1].phase,
            seconds,
            max(held, default=0.0),
            tuple(timed_steps(own)),
        )

    def _look_for_probes(self) -> Probed:
        lost, doubled = [], []
        for side in ("old", "new"):
            found = self._probes.found(side, self._keys)
            lost += [f"{key} on {side}" for key in self._keys if not found.get(key)]
            doubled += [f"{key} on {side}" for key in self._keys if found.get(key, 0) > 1]
        if lost or doubled:
            self._problems.append(f"{len(lost)} probes lost, {len(doubled)} doubled")
        if not self._keys:
            self._problems.append("no probe was written")
        self._probes.remove(self._keys)
        return Probed(len(self._keys), tuple(lost), tuple(doubled))
