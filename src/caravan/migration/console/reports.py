"""What a run's report says, read for people; a report of an older version shows what it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

__all__ = ["Check", "WaivedClass", "checks", "checksums", "sums", "unchanged", "waivers"]


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class WaivedClass:
    """A class of quarantined records that ``owner`` answers for."""

    reason_class: str
    owner: str = ""
    reason: str = ""
    until: str = ""

    def holds(self, today: date) -> bool:
        """Tell whether it counts on this day, its last day included."""
        return not self.until or today.isoformat() <= self.until


def checks(report: Mapping[str, Any]) -> list[Check]:
    """Return the checks of a run, those that failed first."""
    found = [_check(name, outcome) for name, outcome in (report.get("checks") or {}).items()]
    return sorted(found, key=lambda check: (check.passed, check.name))


def sums(report: Mapping[str, Any], data_set: str) -> dict[str, str]:
    """Return the sums of a data set, such as the money total, as text."""
    return {name: str(value) for name, value in (_data_set(report, data_set).get("sums") or {}).items()}


def checksums(report: Mapping[str, Any]) -> dict[str, str]:
    """Return the checksum that each table's imported rows were found to have."""
    return {table: str(value) for table, value in (report.get("checksums") or {}).items()}


def unchanged(report: Mapping[str, Any], data_set: str) -> int:
    """Return how many records the last run found loaded already."""
    return int(_data_set(report, data_set).get("unchanged") or 0)


def waivers(report: Mapping[str, Any]) -> dict[str, WaivedClass]:
    """Return the waivers that were in force, by class; those that only the records tell of have no owner."""
    found = {str(name): WaivedClass(str(name)) for name in report.get("waived") or ()}
    for waiver in report.get("waivers") or ():
        values = {key: str(waiver.get(key) or "") for key in ("owner", "reason", "until")}
        named = str(waiver.get("class", ""))
        found[named] = WaivedClass(named, **values)
    return found


def _data_set(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = (report.get("data_sets") or {}).get(name)
    return found if isinstance(found, Mapping) else {}


def _check(name: str, outcome: Mapping[str, Any]) -> Check:
    """Read one check: of one that passed the plain figures, of one that failed everything that is wrong."""
    passed = outcome.get("ok") is True
    told = {key: value for key, value in outcome.items() if key != "ok"}
    if passed:
        told = {key: value for key, value in told.items() if not isinstance(value, (Mapping, list))}
    return Check(
        name, passed, "; ".join(f"{key}: {_told(value)}" for key, value in told.items() if _wrong(value))
    )


def _wrong(value: object) -> bool:
    """Tell whether a detail is worth a word: not empty, not zero, not found as expected."""
    if isinstance(value, Mapping):
        return value.get("expected", 0) != value.get("found", 1) and any(map(_wrong, value.values()))
    return bool(value)


def _told(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_told(inner)}" for key, inner in value.items() if _wrong(inner))
    return ", ".join(map(_told, value)) if isinstance(value, list) else str(value)
