"""Reads moments as they are written: ISO 8601, HTTP dates and seconds or milliseconds since 1970."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from caravan.migration.shadow.documents import Document

__all__ = ["Moment", "read_moment"]

_ISO: Final = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)(?P<sep>[T ])(?P<time>\d\d:\d\d(:\d\d(?P<fraction>[.,]\d{1,9})?)?)"
    r"(?P<gap> ?)(?P<zone>Z|z|[+-]\d\d:?\d\d)?"
)
_HTTP: Final = re.compile(r"[A-Z][a-z]{2}, \d\d[ -][A-Z][a-z]{2}[ -]\d{4} \d\d:\d\d:\d\d GMT")
_EPOCH: Final = re.compile(r"(?P<whole>\d{10}|\d{13})(?P<fraction>\.\d{1,9})?")
_FIRST, _LAST = 946_684_800, 4_102_444_800  # 2000 and 2100: a number outside is hardly a moment


@dataclass(frozen=True, slots=True)
class Moment:
    """``seconds`` since 1970 as the writer's zone says; ``form`` is how it is written: order of parts, zone, fraction."""

    seconds: float
    form: str


def read_moment(value: Document) -> Moment | None:
    """Return the moment that a string or a number stands for, or None."""
    if isinstance(value, tuple):
        return _epoch(value[0], "number")
    if not isinstance(value, str) or not 10 <= len(value) <= 40:  # noqa: PLR2004 - the shortest and longest forms
        return None
    return _iso(value) or _http(value) or _epoch(value, "text")


def _iso(text: str) -> Moment | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    fraction = (match["fraction"] or "")[1:]
    try:
        base = datetime.fromisoformat(f"{match['date']}T{match['time'][:8].ljust(5, '0')}")
        zone = match["zone"] or ""
        offset = _offset(zone)
    except ValueError:
        return None
    seconds = base.replace(tzinfo=UTC).timestamp() - offset + (float(f"0.{fraction}") if fraction else 0.0)
    precision = f".{'9' * len(fraction)}" if fraction else ""
    return Moment(seconds, f"iso{match['sep']}{len(match['time'][:8])}{precision}{match['gap']}{zone}")


def _offset(zone: str) -> float:
    if zone in {"", "Z", "z"}:
        return 0.0
    sign = -1 if zone[0] == "-" else 1
    return sign * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)


def _http(text: str) -> Moment | None:
    if not _HTTP.fullmatch(text):
        return None
    try:
        return Moment(parsedate_to_datetime(text).timestamp(), "http")
    except ValueError:
        return None


def _epoch(text: str, written: str) -> Moment | None:
    match = _EPOCH.fullmatch(text)
    if match is None:
        return None
    whole = len(match["whole"])
    seconds = float(text) / (1 if whole == 10 else 1000)  # noqa: PLR2004 - digits of seconds today
    if not _FIRST <= seconds < _LAST:
        return None
    return Moment(seconds, f"epoch {written} {whole}{'.' if match['fraction'] else ''}")
