"""The canaries of all units: the stage each is in, what it says, and moving on or back by it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from caravan.core.errors import CaravanError
from caravan.migration.canary import Action, Counter, CounterUnreadableError, Decision, Stage
from caravan.migration.conductor.alerts import Alarm
from caravan.migration.conductor.looking import Look
from caravan.migration.conductor.measurements import MOVED
from caravan.migration.conductor.steering import Steering
from caravan.migration.conductor.unit_stage import UnitStage, stage_key
from caravan.migration.config import MigrationConfig
from caravan.migration.units import StoredUnit

__all__ = ["Canaries"]

log = structlog.get_logger(__name__)

CANARY: Final = 6
_PAUSE: Final = timedelta(seconds=5)
_NO_TROUBLE: Final = frozenset(("unit_gate_closed", "unit_held", "unit_moved_meanwhile"))
"""Why a unit may rightly not be widened, by guard or by people."""


@dataclass(slots=True)
class _Trouble:
    said: str
    code: str
    not_before: datetime


@dataclass(slots=True)
class Canaries:
    """``decisions`` are the last ones of stages that run. Each unit is moved by one task at a time."""

    config: MigrationConfig
    steering: Steering
    promotes: bool
    decisions: dict[str, Decision] = field(default_factory=dict)
    rolled_back: dict[str, Alarm] = field(default_factory=dict)
    _stages: dict[str, UnitStage] = field(default_factory=dict)
    _saved: dict[str, dict[str, Any]] = field(default_factory=dict)
    _moving: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _trouble: dict[str, _Trouble] = field(default_factory=dict)
    _proven: list[Alarm] = field(default_factory=list)

    def restore(self, unit: str, document: dict[str, Any]) -> None:
        """Keep what was saved of a stage until the unit is seen in it."""
        self._saved[unit] = document

    def stage_of(self, unit: str) -> UnitStage | None:
        """Return the stage a unit is in, None outside a canary."""
        return self._stages.get(unit)

    def follow(self, units: Mapping[str, StoredUnit]) -> list[str]:
        """Begin stages that units have entered, and drop those they have left; returns units whose stage was dropped."""
        left = [name for name in self._stages if name not in units or units[name].values.state != CANARY]
        for name in left:
            self._drop(name)
        for name, unit in units.items():
            if unit.values.state == CANARY and self.config.unit(name) is not None:
                self._enter(name, unit)
        return left

    def _enter(self, name: str, unit: StoredUnit) -> None:
        present = self._stages.get(name)
        if present is None or present.key != stage_key(unit):
            self._stages[name] = UnitStage.begin(self.config, unit, self._saved.pop(name, None))
            self.decisions.pop(name, None)
            self.rolled_back.pop(name, None)

    def _drop(self, name: str) -> None:
        del self._stages[name]
        self.decisions.pop(name, None)
        self._trouble.pop(name, None)

    def decide(self, now: datetime) -> None:
        """Look at every stage."""
        self.decisions = {name: stage.decide(now) for name, stage in self._stages.items()}

    def act(self, look: Look, now: datetime) -> None:
        """Start what the decisions ask for: a rollback always, a promotion unless a person holds the unit."""
        for name, decision in self.decisions.items():
            if name in self._moving or self._pauses(name, now):
                continue
            if decision.action is Action.ROLL_BACK:
                self._start(name, decision, self._roll_back)
            elif decision.action is Action.PROMOTE and self.promotes and self._may_widen(name, look):
                self._start(name, decision, self._promote)
        self._proven = [
            _proven(name, decision)
            for name, decision in self.decisions.items()
            if decision.action is Action.PROMOTE and not (self.promotes and self._may_widen(name, look))
        ]

    def _may_widen(self, name: str, look: Look) -> bool:
        """The last stage is left by the switch, which people make."""
        return name not in look.held and look.units[name].values.stage < len(self.config.gates.stages)

    def alarms(self) -> Iterable[Alarm]:
        """Return alarms about movements: what was rolled back, and what could not be moved."""
        yield from list(self.rolled_back.values())  # a movement may end meanwhile, in its thread
        yield from self._proven
        for name, trouble in self._trouble.items():
            if trouble.code not in _NO_TROUBLE:
                yield Alarm(f"stuck {name}", "critical", f"{name} cannot be moved: {trouble.said}", name)

    async def read_counters(self, counters: Iterable[Counter]) -> None:
        """Read every business counter once, for all stages."""
        stages = [each.stage for each in self._stages.values() if isinstance(each.stage, Stage)]
        if not stages:
            return
        for counter in counters:
            try:
                reading = await counter.read()
            except CounterUnreadableError as error:
                for stage in stages:
                    stage.miss_counter(counter.name, error.message)
                continue
            for stage in stages:
                stage.read_counter(counter.name, reading)

    def changed_documents(self) -> dict[str, dict[str, Any]]:
        """Return what has to be saved, by unit, and take it as saved."""
        documents = {}
        for name, stage in self._stages.items():
            if stage.changed:
                documents[name] = stage.to_json()
                stage.changed = False
        return documents

    def mark_changed(self, units: Iterable[str]) -> None:
        """Have stages saved again whose save did not succeed."""
        for name in units:
            if (stage := self._stages.get(name)) is not None:
                stage.changed = True

    async def close(self) -> None:
        """Let movements that have begun come to their end."""
        await asyncio.gather(*self._moving.values(), return_exceptions=True)

    def _pauses(self, name: str, now: datetime) -> bool:
        trouble = self._trouble.get(name)
        return trouble is not None and now < trouble.not_before

    def _start(self, name: str, decision: Decision, move: Callable[[str, Decision], None]) -> None:
        async def moving() -> None:
            try:
                await asyncio.to_thread(move, name, decision)
                self._trouble.pop(name, None)
            except CaravanError as error:
                log.warning("conductor.not_moved", unit=name, code=error.code, problem=error.message)
                self._trouble[name] = _Trouble(error.message, error.code, decision.at + _PAUSE)
            except Exception as error:
                log.exception("conductor.not_moved", unit=name)
                self._trouble[name] = _Trouble(str(error), "unexpected", decision.at + _PAUSE)
            finally:
                self._moving.pop(name, None)

        self._moving[name] = asyncio.create_task(moving())

    def _roll_back(self, name: str, decision: Decision) -> None:
        reason = f"{decision.stage}: {'; '.join(decision.reasons)}"
        said = f"{name} was rolled back from {reason}"
        self.steering.roll_back(name, decision.to_json(), reason)
        self.rolled_back[name] = Alarm(
            f"rolled back {name} {decision.at.isoformat()}",
            "critical",
            said,
            name,
            {"decision": decision.to_json()},
        )
        MOVED.labels(name, "roll back").inc()
        log.warning("conductor.rolled_back", unit=name, stage=decision.stage, reasons=list(decision.reasons))

    def _promote(self, name: str, decision: Decision) -> None:
        moved = self.steering.promote(
            name, decision.to_json(), f"{decision.stage}: {'; '.join(decision.reasons)}"
        )
        MOVED.labels(name, "promote").inc()
        log.info("conductor.promoted", unit=name, share=moved.after.share)


def _proven(name: str, decision: Decision) -> Alarm:
    """Every bound is passed, and it is for people to go on: the unit is held, in its last stage, or widened by hand."""
    said = (
        f"{name}: {decision.stage} is proven, every bound is within what was declared; a person has to go on"
    )
    return Alarm(f"proven {name} {decision.stage}", "info", said, name)
