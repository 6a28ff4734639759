"""Guards: what was measured against what the gates of the file ask for. Pure, so that a plan can show them."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final, TypeAlias

from caravan.migration.config import Gates, Waiver
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
    waived: Mapping[str, Waiver] = field(default_factory=dict)


_Guard: TypeAlias = Callable[[GuardInput, Mapping[str, Any]], Iterator[Check]]


def checks_of(guards: tuple[str, ...], given: GuardInput) -> list[Check]:
    """Return every check of these guards; a measurement that is missing or too old fails them."""
    return [check for guard in guards for check in _checks(guard, given)]


def _checks(guard: str, given: GuardInput) -> Iterator[Check]:
    judge = _GUARDS.get(guard)
    if judge is None:
        yield Check(guard, passed=False, measured="nothing", needed="a guard that is known")
        return
    if guard == "soak":
        yield from judge(given, {})
        return
    if (waiver := given.waived.get(guard)) is not None:
        said = f"waived by {waiver.owner}: {waiver.reason}"
        yield Check(guard, passed=True, measured=said, needed="nothing, while the waiver counts")
        return
    found = given.measurements.get(guard)
    within = given.gates.drill if guard == "drill" else given.gates.fresh
    needed = f"measured within {within:g} s"
    if found is None:
        yield Check(guard, passed=False, measured="nothing yet", needed=needed)
        return
    age = (given.now - found.at).total_seconds()
    yield Check(f"{guard}: age", passed=age <= within, measured=f"{age:.0f} s ago", needed=needed)
    if guard in _OF_THIS_STAY:
        stay = _OF_THIS_STAY[guard]
        inside = found.at >= given.entered_at
        when = f"in this {stay}" if inside else f"before this {stay} began"
        yield Check(f"{guard}: measured", passed=inside, measured=when, needed=f"in this {stay}")
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
    yield _most("shadow: spots with evidence", figures.get("reported"), given.gates.max_differences)
    yield from _mismatch("shadow", given, figures, "mismatched")
    yield _covered(given, figures)
    yield _bound(given, figures)


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
    yield _soaked("canary: soak in seconds", given)


def _sides(_given: GuardInput, figures: Mapping[str, Any]) -> Iterator[Check]:
    for side in ("old", "new"):
        well = figures.get(side) is True
        yield Check(
            f"sides: {side}",
            passed=well,
            measured="answers" if well else "does not answer its health path",
            needed="answers",
        )


def _lag(given: GuardInput, figures: Mapping[str, Any]) -> Iterator[Check]:
    running = figures.get("running") is True
    yield Check(
        "lag: flow", passed=running, measured="running" if running else "not running", needed="running"
    )
    yield _most("lag: seconds", figures.get("seconds"), given.gates.lag)


def _verification(_given: GuardInput, figures: Mapping[str, Any]) -> Iterator[Check]:
    yield _least("verification: rows compared", figures.get("rows"), 0)
    yield _most("verification: rows that differ", figures.get("differing"), 0)
    if "invariants" in figures:
        yield _most("verification: invariants that do not hold", figures.get("invariants"), 0)


def _effects(given: GuardInput, figures: Mapping[str, Any]) -> Iterator[Check]:
    yield from _mismatch("effects", given, figures, "mismatched")


def _soak(given: GuardInput, _figures: Mapping[str, Any]) -> Iterator[Check]:
    yield _soaked("soak: seconds in this state", given)


def _drill(_given: GuardInput, figures: Mapping[str, Any]) -> Iterator[Check]:
    passed = figures.get("passed") is True
    yield Check(
        "drill: certificate", passed=passed, measured="passed" if passed else "failed", needed="passed"
    )
    yield _most("drill: lost and doubled", figures.get("lost_and_doubled"), 0)


def _consent(_given: GuardInput, figures: Mapping[str, Any]) -> Iterator[Check]:
    by, said = str(figures.get("by") or ""), str(figures.get("said") or "")
    yield Check(
        "consent: a person says yes",
        passed=bool(by and said),
        measured=f"{by}: {said}" if by and said else "nobody",
        needed="who, and in their words",
    )


def _mismatch(name: str, given: GuardInput, figures: Mapping[str, Any], key: str) -> Iterator[Check]:
    judged, wrong = _number(figures.get("judged")), _number(figures.get(key))
    yield _least(f"{name}: judged exchanges", judged, 1)
    share = wrong / judged if judged and wrong is not None else None
    yield _most(f"{name}: share that differs", share, given.gates.max_mismatch)


def _covered(given: GuardInput, figures: Mapping[str, Any]) -> Check:
    """The share of what the contract names that was seen on the route seen least; what is missing is named."""
    found = _least("shadow: coverage", figures.get("coverage"), given.gates.coverage)
    unseen = [str(one) for one in figures.get("unseen") or ()]
    if found.passed or not unseen:
        return found
    named = ", ".join(unseen[:_MOST_NAMED]) + (" …" if len(unseen) > _MOST_NAMED else "")
    return replace(found, measured=f"{found.measured} (not seen: {named})")


def _bound(given: GuardInput, figures: Mapping[str, Any]) -> Check:
    """The rule of three, named: n judged exchanges without a difference rule out a defect on more than 3/n of requests (95 %)."""
    bound, most = _number(figures.get("bound")), given.gates.most_undetected
    found = _most("shadow: undetected share", bound, most)
    needed = f"{found.needed} (3/{math.ceil(3 / most)})"
    if not bound or bound >= 1:
        return replace(found, needed=needed)
    return replace(found, measured=f"{found.measured} (3/{round(3 / bound)})", needed=needed)


def _soaked(name: str, given: GuardInput) -> Check:
    return _least(name, math.floor((given.now - given.entered_at).total_seconds()), given.gates.soak)


def _least(name: str, value: object, needed: float) -> Check:
    number = _number(value)
    passed = number is not None and number >= needed
    return Check(name, passed=passed, measured=_told(number, ROUND_FLOOR), needed=f"at least {needed:g}")


def _most(name: str, value: object, needed: float) -> Check:
    number = _number(value)
    passed = number is not None and number <= needed
    return Check(name, passed=passed, measured=_told(number, ROUND_CEILING), needed=f"at most {needed:g}")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _told(number: float | None, rounding: str) -> str:
    """Three digits that matter, never rounded to the other side of a limit."""
    if number is None:
        return "nothing"
    exact = Decimal(repr(number))
    if not exact.is_finite() or exact == exact.to_integral_value():
        return f"{number:.0f}" if exact.is_finite() else str(number)
    places = min(0, exact.adjusted() - 2)
    return f"{exact.quantize(Decimal(1).scaleb(places), rounding).normalize():f}"


_MOST_NAMED: Final = 3

_GUARDS: Final[Mapping[str, _Guard]] = {
    "contract": _contract,
    "replay": _replay,
    "shadow": _shadow,
    "canary": _canary,
    "sides": _sides,
    "lag": _lag,
    "verification": _verification,
    "effects": _effects,
    "soak": _soak,
    "drill": _drill,
    "consent": _consent,
}

_OF_THIS_STAY: Final[Mapping[str, str]] = {"canary": "stage", "consent": "state"}
"""Guards for which nothing counts that was measured before the unit came where it is."""
