"""Checks of a guard as people read them: seconds as minutes, hours and days, rounded so that no limit is crossed by it."""

import re
from dataclasses import replace
from typing import Final

from caravan.migration.units import Check

__all__ = ["duration", "readable"]

_IN_SECONDS: Final = " in seconds"
_SECONDS: Final = re.compile(r"\b(\d+) s\b")
_NUMBER: Final = re.compile(r"\b(\d+)(?:\.\d+)?\b")
_UNITS: Final = (("days", 86_400, 172_800), ("h", 3_600, 3_600), ("min", 60, 60))
"""Name, seconds, and from how many seconds on it is used."""


def readable(check: Check) -> Check:
    """Return the check with durations for people; its figures stay in the decision that is stored."""
    if check.name.endswith(_IN_SECONDS):
        return replace(
            check,
            name=check.name.removesuffix(_IN_SECONDS),
            measured=_NUMBER.sub(_told, check.measured),
            needed=_NUMBER.sub(_told, check.needed),
        )
    return replace(
        check, measured=_SECONDS.sub(_told, check.measured), needed=_SECONDS.sub(_told, check.needed)
    )


def duration(seconds: int) -> str:
    """Return the two largest units, rounded down: ``59 min 59 s``, ``26 h``, ``7 days``."""
    for place, (name, size, least) in enumerate(_UNITS):
        if seconds >= least:
            smaller, less = (*_UNITS[place + 1][:2],) if place + 1 < len(_UNITS) else ("s", 1)
            rest = seconds % size // less
            return f"{seconds // size} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds} s"


def _told(found: re.Match[str]) -> str:
    return duration(int(found[1]))
