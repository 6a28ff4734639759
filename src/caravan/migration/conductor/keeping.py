"""What the conductor knows, taken up at its start and put down at every save."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from caravan.core.clock import Clock
from caravan.migration.canary import Decision
from caravan.migration.canary.latency_sketch import LatencySketch
from caravan.migration.conductor.alarms import alarms_of
from caravan.migration.conductor.alerts import Alarm, settle_alerts
from caravan.migration.conductor.canaries import Canaries
from caravan.migration.conductor.comparing import Comparer
from caravan.migration.conductor.difference_rows import DifferenceRows
from caravan.migration.conductor.figures import Figures, shadow_figures, verdict_document
from caravan.migration.conductor.flow_watch import flow_alarms
from caravan.migration.conductor.gate_watch import GateWatch
from caravan.migration.conductor.intake import Intake
from caravan.migration.conductor.looking import ANEW, REPLAY, Look
from caravan.migration.conductor.measurements import ALERTS, SAVED
from caravan.migration.conductor.redacted_examples import RedactedExamples
from caravan.migration.conductor.replays import Replays
from caravan.migration.conductor.saving import Saved, Snapshot, claim, save
from caravan.migration.conductor.settling import Settling
from caravan.migration.conductor.traffic import Bucket, BucketKey
from caravan.migration.cutover.observing.table_uses import note_uses
from caravan.migration.units import Scope, plans

__all__ = ["Keeper"]

_JUDGE, _STAGE, _VERDICTS = "judge ", "stage ", "verdicts "
_BUDGET, _ROLLBACKS, _GATES = "budget", "rollbacks", "gates"
_FRESH: Final = timedelta(seconds=60)
_COMPARED_STATES: Final = range(2, 7)


@dataclass(frozen=True, slots=True)
class _Found:
    """What guards and alarms are told with a save; ``alarms`` None: nothing was looked at yet."""

    shadow: dict[str, dict[str, Any]] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    alarms: list[Alarm] | None = None


class Keeper:
    """Keeps intake, judges, canaries, traffic and budget. ``groups`` are the differences by unit as they were saved last.

    ``replays`` asks again about them.
    """

    def __init__(
        self,
        scope: Scope,
        name: str,
        intake: Intake,
        comparer: Comparer,
        canaries: Canaries,
        clock: Clock,
        recorded: Callable[[], dict[str, Any]] = dict,
        settling: Settling | None = None,
    ) -> None:
        self._scope, self._name, self._clock = scope, name, clock
        self._intake, self._comparer, self._canaries = intake, comparer, canaries
        self._judges, self._traffic, self._budget = comparer.judges, comparer.traffic, comparer.budget
        self._recorded = recorded
        self._settling = settling or Settling(None)
        self._redacted = RedactedExamples()
        self._rows = DifferenceRows(self._redacted)
        self.replays = Replays(
            self._judges,
            comparer.asker,
            comparer.budget,
            self._redacted,
            self._rows.example_of,
            clock,
        )
        self._figures = Figures(scope)
        self._gates = GateWatch()
        self._version = 0
        self._saved_at = 0.0
        self.groups: dict[str, list[dict[str, Any]]] = {}

    @property
    def age(self) -> float:
        """Seconds since the last save."""
        return time.monotonic() - self._saved_at

    async def take_over(self, connection: psycopg.Connection) -> None:
        """Go on from what was saved last, by whomever."""
        now = self._clock()
        saved = await asyncio.to_thread(claim, connection, self._scope, self._name, now, since=_FRESH)
        self._restore(saved)

    def _restore(self, saved: Saved) -> None:
        self._version = saved.version
        self._intake.taken = saved.taken
        self._comparer.judged = saved.figures.get("judged", 0)
        self._comparer.skipped.update(saved.figures.get("skipped", {}))
        for part, document in saved.parts.items():
            if part.startswith(_JUDGE):
                self._judges.restore(part.removeprefix(_JUDGE), document)
            elif part.startswith(_STAGE):
                self._canaries.restore(part.removeprefix(_STAGE), document)
            elif part == _BUDGET:
                for name, value in document.items():
                    setattr(self._budget, name, value)
            elif part == _GATES:
                self._gates = GateWatch.from_json(document)
            elif part == _ROLLBACKS:
                self._canaries.rolled_back.update({unit: Alarm(**alarm) for unit, alarm in document.items()})
        self._traffic.restore(_bucket(row) for row in saved.buckets)
        for unit in self._judges.units:
            self.groups[unit] = self._rows.of(unit, self._judges.of(unit))

    async def save(self, connection: psycopg.Connection, look: Look | None, left: list[str]) -> None:
        """Write everything that changed; what could not be written is written with the next save.

        ``look`` is what was seen last, ``left`` are units whose stage is over.

        Raises:
            ConductorReplacedError: somebody else has written in our place.
            psycopg.Error: nothing was written.
        """
        now = self._clock()
        units = sorted(self._judges.changed)
        self._judges.changed.clear()
        stages = self._canaries.changed_documents()
        snapshot = Snapshot(now, self._intake.taken, self._own_figures(), dropped=_over(look, left))
        snapshot.buckets = self._traffic.take_changed(now)
        for unit in units:
            judge = self._judges.of(unit)
            snapshot.parts[f"{_JUDGE}{unit}"] = self._redacted.document(judge)
            verdicts = {"verdicts": verdict_document(self._judges.verdicts(unit, now.date()))}
            snapshot.parts[f"{_VERDICTS}{unit}"] = verdicts
            snapshot.groups[unit] = self.groups[unit] = self._rows.of(unit, judge)
        snapshot.parts |= {f"{_STAGE}{unit}": document for unit, document in stages.items()}
        replayed = self.replays.take_changed()
        snapshot.parts |= {f"{REPLAY}{identity}": document for identity, document in replayed.items()}
        snapshot.parts[_BUDGET] = self._budget_document()
        snapshot.uses = uses = self._comparer.dry_runs.uses.take_all()
        snapshot.parts[_GATES] = self._gates.to_json()
        snapshot.parts[_ROLLBACKS] = {
            unit: asdict(alarm) for unit, alarm in self._canaries.rolled_back.items()
        }
        try:
            self._version = await asyncio.to_thread(self._write, connection, snapshot, self._found(look, now))
        except psycopg.Error:
            self._comparer.dry_runs.uses.put_back(uses)
            self._judges.changed.update(units)
            self._canaries.mark_changed(stages)
            self._traffic.put_back(snapshot.buckets)
            self.replays.changed = {**replayed, **self.replays.changed}
            raise
        self._saved_at = time.monotonic()
        SAVED.set_to_current_time()

    def _write(self, connection: psycopg.Connection, snapshot: Snapshot, found: _Found) -> int:
        """Runs in a thread: touches nothing that the loop changes."""
        self._version = save(connection, self._scope, self._name, self._version, snapshot)
        note_uses(connection, self._scope, snapshot.uses, "dry run", snapshot.at)
        for unit, figures in found.shadow.items():
            self._figures.shadow(connection, unit, figures, snapshot.at)
        for unit, decision in found.decisions.items():
            self._figures.canary(connection, unit, decision)
        self._figures.clean(connection, snapshot.at)
        if found.alarms is not None:
            looked_at = plans(connection, self._scope, self._canaries.config, snapshot.at)
            alarms = [*found.alarms, *self._gates.alarms(looked_at)]
            settle_alerts(connection, self._scope, alarms, snapshot.at)
            for severity in ("info", "warning", "critical"):
                ALERTS.labels(severity).set(sum(alarm.severity == severity for alarm in alarms))
        return self._version

    def _found(self, seen: Look | None, now: datetime) -> _Found:
        if seen is None:
            return _Found()
        shadow = {
            unit: shadow_figures(self._judges.verdicts(unit, now.date()))
            for unit, stored in seen.units.items()
            if stored.values.state in _COMPARED_STATES and unit in self._judges.units
        }
        flows = flow_alarms(seen.flows, self._canaries.config, seen.units, now)
        alarms = [*self._alarms(seen), *self._canaries.alarms(), *flows, *self._settling.alarms()]
        return _Found(shadow, dict(self._canaries.decisions), alarms)

    def _alarms(self, seen: Look) -> list[Alarm]:
        budget, silent = self._budget.report(), self._comparer.silent
        found = list(alarms_of(seen, self._canaries.decisions, self.groups, budget, silent=silent))
        if (stopped := self._comparer.dry_runs.stopped) is not None:
            said = f"no dry run is sent any more, the new side may have written: {stopped}"
            found.append(Alarm("dry runs", "critical", said))
        for route, path, reason in self._judges.not_in_force():
            said = f"what is accepted of {route} at {path} is compared all the same: {reason}"
            found.append(Alarm(f"acceptance {route} {path}", "warning", said))
        return found

    def _own_figures(self) -> dict[str, Any]:
        return {
            "judged": self._comparer.judged,
            "skipped": dict(self._comparer.skipped),
            "budget": asdict(self._budget.report()),
            "recorder": self._recorded(),
        }

    def _budget_document(self) -> dict[str, Any]:
        kept = ("served", "asked", "calm_p95", "slow")
        return {name: getattr(self._budget, name) for name in kept}


def _over(look: Look | None, left: list[str]) -> list[str]:
    """Name the parts of the state that have had their time."""
    return [f"{ANEW}{unit}" for unit in (look.anew if look else ())] + [f"{_STAGE}{unit}" for unit in left]


def _bucket(row: tuple[Any, ...]) -> tuple[BucketKey, Bucket]:
    at, route, side, arm, requests, errors, judged, differing, seconds, latencies = row
    sketch = LatencySketch.from_json(latencies)
    return BucketKey(at, route, side, arm), Bucket(requests, errors, judged, differing, seconds, sketch)
