"""Guards: what was measured against what the gates of the file ask for. Pure, so that a plan can show them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from caravan.migration.config import Gates
from caravan.migration.units.measurements import Measurement, stage_name

__all__ = ["Check", "GuardInput", "checks_of"]


@dataclass(frozen=True, slots=True)
class Check:
    """``measured`` and ``needed`` are for people and for the decision's record."""

    name: str
    passed: bool
    measured: str
    needed: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class GuardInput:
    """All a guard may look at. ``stage`` is the canary's present one, from 1."""

    gates: Gates
    now: datetime
    entered_at: datetime
    stage: int
    measurements: Mapping[str, Measurement]


_Guard: TypeAlias = Callable[[GuardInput, Mapping[str, Any]], Iterator[Check]]


def checks_of(guards: tuple[str, ...], given: GuardInput) -> list[Check]:
    """Return every check of these guards; a measurement that is missing or too old fails them."""
    return [check for guard in guards for check in _checks(guard, given)]


def _checks(guard: str, given: GuardInput) -> Iterator[Check]:
    judge = _GUARDS.get(guard)
    if judge is None:
        yield Check(guard, passed=False, measured="nothing", needed="comes with data sets")
        return
    found = given.measurements.get(guard)
    needed = f"measured within {given.gates.fresh:g} s"
    if found is None:
        yield Check(guard, passed=False, measured="nothing yet", needed=needed)
        return
    age = (given.now - found.at).total_seconds()
    yield Check(f"{guard}: age", passed=age <= given.gates.fresh, measured=f"{age:.0f} s ago", needed=needed)
    if guard == "canary":
        inside = found.at >= given.entered_at
        when = "in this stage" if inside else "before this stage began"
        yield Check("canary: measured", passed=inside, measured=when, needed="in this stage")
    yield from judge(given, found.figures)


def _contract(given: GuardInput, figures: Mapping[str, Any]) -> Iterator[Check]:
    frozen = figures.get("frozen") is True
    yield Check(
        "contract: frozen", passed=frozen, measured="frozen" if frozen else "not frozen", needed="frozen"
    )
    yield _least("contract: coverage", figures.get("coverage"), given.gates.coverage)


def _replay(given: GuardInput, figures: Mapping[str, Any]) -> Iterator[Check]:
    yield from _mismatch(
        "replay", given, figures, "unexplained" if "unexplained" in figures else "mismatched"
    )


def _shadow(given: GuardInput, figures: Mapping[str, Any]) -> Iterator[Check]:
    yield _most("shadow: spots with evidence", figures.get("reported"), 0)
    yield from _mismatch("shadow", given, figures, "mismatched")
    yield _least("shadow: coverage", figures.get("coverage"), given.gates.coverage)
    yield _most("shadow: undetected share", figures.get("bound"), given.gates.most_undetected)


def _canary(given: GuardInput, figures: Mapping[str, Any]) -> Iterator[Check]:
    wanted = stage_name(given.gates.stages[max(1, given.stage) - 1])
    stage = str(figures.get("stage"))
    yield Check("canary: stage", passed=stage == wanted, measured=stage, needed=wanted)
    action = str(figures.get("action"))
    reasons = "; ".join(str(reason) for reason in figures.get("reasons") or ())
    said = f"{action} ({reasons})" if reasons else action
    yield Check("canary: decision", passed=action == "promote", measured=said, needed="promote")
    ratio = figures.get("ratio")
    keys = ratio.get("canary_keys") if isinstance(ratio, Mapping) else None
    yield _least("canary: keys", keys, given.gates.min_keys)
    soaked = (given.now - given.entered_at).total_seconds()
    yield _least("canary: soak in seconds", soaked, given.gates.soak)


def _sides(_given: GuardInput, figures: Mapping[str, Any]) -> Iterator[Check]:
    for side in ("old", "new"):
        well = figures.get(side) is True
        yield Check(
            f"sides: {side}",
            passed=well,
            measured="answers" if well else "does not answer its health path",
            needed="answers",
        )


def _mismatch(name: str, given: GuardInput, figures: Mapping[str, Any], key: str) -> Iterator[Check]:
    judged, wrong = _number(figures.get("judged")), _number(figures.get(key))
    yield _least(f"{name}: judged exchanges", judged, 1)
    share = wrong / judged if judged and wrong is not None else None
    yield _most(f"{name}: share that differs", share, given.gates.max_mismatch)


def _least(name: str, value: object, needed: float) -> Check:
    number = _number(value)
    passed = number is not None and number >= needed
    return Check(name, passed=passed, measured=_told(number), needed=f"at least {needed:g}")


def _most(name: str, value: object, needed: float) -> Check:
    number = _number(value)
    passed = number is not None and number <= needed
    return Check(name, passed=passed, measured=_told(number), needed=f"at most {needed:g}")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _told(number: float | None) -> str:
    return "nothing" if number is None else f"{number:g}"


_GUARDS: Final[Mapping[str, _Guard]] = {
    "contract": _contract,
    "replay": _replay,
    "shadow": _shadow,
    "canary": _canary,
    "sides": _sides,
}
