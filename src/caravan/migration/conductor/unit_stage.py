"""The stage a unit's canary is in: begun when the unit entered it, fed by the tap, gone on with after a restart."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from caravan.migration.canary import ERRORS, MISMATCHES, Decision, Observation, Stage, decide, stage_settings
from caravan.migration.conductor.last_stage import LastStage, LastStageSettings
from caravan.migration.config import MigrationConfig
from caravan.migration.exchange import Exchange
from caravan.migration.units import StoredUnit

__all__ = ["UnitStage", "failed", "observation_of", "stage_key"]

_ALL: Final = 100.0
_SERVER_ERROR: Final = 500
_AnyStage: TypeAlias = Stage | LastStage


@dataclass(slots=True)
class UnitStage:
    """``key`` tells stages apart: the canary's salt and the stage's number, with the moment it was entered."""

    unit: str
    key: str
    stage: _AnyStage
    listed: frozenset[str]
    changed: bool = True

    @classmethod
    def begin(cls, config: MigrationConfig, unit: StoredUnit, saved: dict[str, Any] | None) -> "UnitStage":
        """Begin the stage a unit is in, or go on with it when ``saved`` is of the same one."""
        key = stage_key(unit)
        kept = saved["stage"] if saved and saved.get("key") == key else None
        declared = config.unit(unit.name)
        listed = frozenset(
            _hashed(text) for text in ((*declared.include, *declared.exclude) if declared else ())
        )
        return cls(unit.name, key, _stage(config, unit, kept), listed)

    def observe(self, seen: Observation) -> None:
        """Take what one request showed, unless its key was put into the cohort or out of it by hand: it was not randomised."""
        if seen.key not in self.listed:
            self.stage.observe(seen)
            self.changed = True

    def decide(self, now: datetime) -> Decision:
        """Look at the figures."""
        return self.stage.decide(now) if isinstance(self.stage, LastStage) else decide(self.stage, now)

    def to_json(self) -> dict[str, Any]:
        return {"key": self.key, "stage": self.stage.to_json()}


def stage_key(unit: StoredUnit) -> str:
    """Return what tells this stage from every other one, of this canary and of the next."""
    return f"{unit.values.salt}/{unit.values.stage}/{unit.entered_at.isoformat()}"


def observation_of(exchange: Exchange, route: str, *, mismatch: bool | None = None) -> Observation | None:
    """Return what an exchange of a canary shows; None outside one, and for clients without a key: nobody randomised them.

    With ``mismatch`` it is of a comparison made later, and counts nothing but that.
    """
    member = "member" in exchange.tags
    if not (member or "other" in exchange.tags) or not exchange.client.startswith("key:"):
        return None
    if mismatch is not None:
        return Observation(exchange.at, exchange.client, member, (MISMATCHES,) if mismatch else ())
    events = (ERRORS,) if failed(exchange) else ()
    seconds = exchange.answer.seconds if exchange.answer.status else None
    return Observation(exchange.at, exchange.client, member, events, seconds, route)


def failed(exchange: Exchange) -> bool:
    """Whether the side that was asked gave no answer or an error of its own; one that fell back has failed as well."""
    status = exchange.answer.status
    return status == 0 or status >= _SERVER_ERROR or "fell-back" in exchange.tags


def _stage(config: MigrationConfig, unit: StoredUnit, kept: dict[str, Any] | None) -> _AnyStage:
    percent = config.gates.stages[min(unit.values.stage, len(config.gates.stages)) - 1]
    if percent >= _ALL:
        last = LastStageSettings.of(config, percent)
        return LastStage.from_json(kept, last) if kept else LastStage(last, unit.entered_at)
    settings = stage_settings(config, percent)
    return Stage.from_json(kept, settings) if kept else Stage(settings, unit.entered_at)


def _hashed(text: str) -> str:
    """A key as the gateway's copies carry it."""
    return "key:" + hashlib.sha256(text.encode("latin-1", "replace")).hexdigest()[:32]
