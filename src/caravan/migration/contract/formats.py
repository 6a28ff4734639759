"""Shapes of text. One pattern per shape: what detects it when learning also checks it when validating."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = ["BY_NAME", "FORMATS", "Format", "common_format", "formats_of", "most_special"]

_DAY: Final = r"(?:19|20|21)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_CLOCK: Final = r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,9})?"


@dataclass(frozen=True, slots=True)
class Format:
    """``above`` names the wider shape this one is a case of; ``json`` is JSON Schema's own name, where it has one.

    A ``strong`` shape is believed on one sight, others need a few values.
    """

    name: str
    pattern: str
    strong: bool
    above: str | None = None
    json: str | None = None


FORMATS: Final = (
    Format("uuid", r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", strong=True, json="uuid"),
    Format("objectid", r"^[0-9a-f]{24}$", strong=True),
    Format("date-time-z", rf"^{_DAY}T{_CLOCK}Z$", strong=True, above="date-time", json="date-time"),
    Format(
        "date-time-offset",
        rf"^{_DAY}T{_CLOCK}[+-]\d\d:\d\d$",
        strong=True,
        above="date-time",
        json="date-time",
    ),
    Format("date-time", rf"^{_DAY}T{_CLOCK}(?:Z|[+-]\d\d:\d\d)$", strong=True, json="date-time"),
    Format("date-time-naive", rf"^{_DAY}T{_CLOCK}$", strong=True),
    Format("date-time-space", rf"^{_DAY} {_CLOCK}$", strong=True),
    Format("date", rf"^{_DAY}$", strong=True, json="date"),
    Format("email", r"^[^@\s<>\"]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$", strong=False, json="email"),
    Format("uri", r"^https?://[^\s/]+\S*$", strong=False, json="uri"),
    Format("digits", r"^-?\d{1,18}$", strong=False, above="decimal"),
    Format("decimal", r"^-?\d{1,18}(?:\.\d{1,12})?$", strong=False),
    Format(
        "hash",
        r"^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$",
        strong=True,
    ),
)
"""From the special to the general."""

BY_NAME: Final = {form.name: form for form in FORMATS}
_COMPILED: Final = tuple((1 << bit, re.compile(form.pattern[1:-1])) for bit, form in enumerate(FORMATS))
_LONGEST: Final = 2048


@lru_cache(maxsize=65_536)
def formats_of(text: str) -> int:
    """Return the set of shapes a text has, as bits in the order of ``FORMATS``."""
    if not text or len(text) > _LONGEST:
        return 0
    found = 0
    for bit, pattern in _COMPILED:
        if pattern.fullmatch(text):
            found |= bit
    return found


def most_special(bits: int) -> Format | None:
    """Return the most special shape of a set."""
    return FORMATS[(bits & -bits).bit_length() - 1] if bits else None


def common_format(first: str | None, second: str | None) -> str | None:
    """Return the most special shape that both are cases of, or None."""
    widening = set(_upwards(first))
    return next((name for name in _upwards(second) if name in widening), None)


def _upwards(name: str | None) -> list[str]:
    names = []
    while name is not None:
        names.append(name)
        form = BY_NAME.get(name)
        name = None if form is None else form.above
    return names
