"""Cutovers as the journal tells them: each step with its time and what was found, how long clients waited, what was taken back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from caravan.migration.units import CUTOVER, Check, CutoverStep, Entry
from caravan.migration.units.cutover_steps import FLIP, HOLD

__all__ = ["CutoverRun", "StepView", "cutover_runs"]

StepState: TypeAlias = Literal["to come", "begun", "done", "not done"]

_STEPS: Final[Mapping[str, CutoverStep]] = {step.name: step for step in CUTOVER}


@dataclass(slots=True)
class StepView:
    """One step; ``told`` is what was found, in words. ``not done`` is one that failed, or that was never reached."""

    name: str
    state: StepState = "to come"
    began: datetime | None = None
    seconds: float | None = None
    told: str = ""

    @property
    def number(self) -> str:
        return _STEPS[self.name].number if self.name in _STEPS else ""

    @property
    def does(self) -> str:
        return _STEPS[self.name].does if self.name in _STEPS else ""


@dataclass(slots=True)
class CutoverRun:
    """One walk over the steps of a cutover, there or back. ``phase`` is acting, unwinding, done or undone.

    ``held_seconds`` is how long clients' writes waited, None where none did or they still do: then ``held_since`` is set.
    ``checks`` are those of its preflight; ``failed`` is what it stopped at, '' where it did not; ``unwound`` are the steps that took it back.
    """

    id: UUID
    edge: str
    by: str
    began: datetime
    steps: list[StepView]
    unwound: list[StepView] = field(default_factory=list)
    phase: str = "acting"
    ended: datetime | None = None
    held_since: datetime | None = None
    held_seconds: float | None = None
    checks: list[Check] = field(default_factory=list)
    failed: str = ""

    @property
    def open(self) -> bool:
        """Whether it has not ended: it is under way, or was cut short."""
        return self.ended is None

    @property
    def refused(self) -> bool:
        """Whether its preflight did not let it begin: nothing was held or fenced."""
        return self.phase == "undone" and bool(self.steps) and self.steps[0].state == "not done"


def cutover_runs(told: Iterable[Entry]) -> list[CutoverRun]:
    """Put entries, the oldest first, together to cutovers, the newest first; other transitions are left out."""
    found: dict[UUID, CutoverRun] = {}
    for entry in told:
        if entry.transition is None:
            continue
        if entry.phase == "intent" and _is_cutover(entry.facts):
            steps = [StepView(step["name"]) for step in entry.facts["steps"]]
            found[entry.transition] = CutoverRun(
                entry.transition, str(entry.facts["edge"]), entry.by, entry.at, steps
            )
        elif (run := found.get(entry.transition)) is not None:
            _note(run, entry)
    return list(reversed(found.values()))


def _is_cutover(facts: Mapping[str, Any]) -> bool:
    steps = facts.get("steps", ())
    return any(step["name"] == FLIP for step in steps) and any(step.get("effect") for step in steps)


def _note(run: CutoverRun, entry: Entry) -> None:
    steps = run.unwound if run.phase == "unwinding" else run.steps
    if entry.phase == "unwind":
        _leave(run.steps)
        run.phase = "unwinding"
        run.unwound = [StepView(step["name"]) for step in entry.facts["steps"]]
    elif entry.phase == "step":
        _begin(run, steps, entry)
    elif entry.phase == "effect":
        _end(run, steps, entry)
    elif entry.phase == "failed":
        run.failed = str(entry.facts["said"])
        run.checks = [Check(**check) for check in entry.facts.get("checks", ())] or run.checks
    elif entry.phase in ("done", "undone"):
        _leave(run.steps)
        run.phase, run.ended, run.held_since = entry.phase, entry.at, None


def _begin(run: CutoverRun, steps: Sequence[StepView], entry: Entry) -> None:
    number = int(entry.facts["number"])
    if number < len(steps):
        steps[number].state, steps[number].began = "begun", entry.at
    if entry.facts["name"] == HOLD and run.held_since is None:
        run.held_since = entry.at


def _end(run: CutoverRun, steps: Sequence[StepView], entry: Entry) -> None:
    number, told = int(entry.facts["number"]), dict(entry.facts.get("told") or {})
    if run.held_since is None:
        told.pop("held_seconds", None)  # before a hold a carrier tells that of the cutover before
    if number < len(steps):
        step = steps[number]
        step.state, step.told = "done", _words(told)
        step.seconds = (entry.at - step.began).total_seconds() if step.began else None
    if "held_seconds" in told:
        run.held_since, run.held_seconds = None, max(run.held_seconds or 0.0, float(told["held_seconds"]))
    if "checks" in told:
        run.checks = [Check(**check) for check in told["checks"]]


def _leave(steps: Sequence[StepView]) -> None:
    """What was begun, or was still to come, is not done."""
    for step in steps:
        if step.state != "done":
            step.state = "not done"


def _words(told: Mapping[str, Any]) -> str:
    """Say what a step found, without the lists that are for the journal."""
    said = (_said(name, value) for name, value in told.items())
    return ", ".join(text for text in said if text)


def _said(name: str, value: object) -> str:
    words = name.replace("_", " ")
    if isinstance(value, bool):
        return f"{words}: {'yes' if value else 'no'}"
    if isinstance(value, Mapping):
        inner = ", ".join(_said(str(key), each) for key, each in value.items())
        return f"{words}: {inner}" if inner else ""
    if isinstance(value, (str, int, float)) and value != "":
        return f"{words} {value}"
    return ""
