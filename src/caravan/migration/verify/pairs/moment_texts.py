"""Moments of a declared zone as instants, where the store knows no zones."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from caravan.migration.verify.pairs.cells import odd

__all__ = ["instant_of", "instant_text", "moment_text"]


def instant_of(value: Any, zone: str) -> str:  # noqa: ANN401 - whatever a driver gives for text
    """Return the instant of an ISO text; what is none (``0000-00-00``) is an odd value.

    The hour that occurs twice in autumn is read as its second time, standard time, as PostgreSQL's ``AT TIME ZONE`` does.
    """
    text = value.decode() if isinstance(value, bytes) else str(value)
    try:
        moment = datetime.fromisoformat(_six_digits(text))
    except ValueError:
        return odd(text)
    return instant_text(moment.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC))


def instant_text(value: datetime) -> str:
    """Return the text of an aware time."""
    return f"{moment_text(value.astimezone(UTC).replace(tzinfo=None))}+00"


def moment_text(value: datetime) -> str:
    """Return the text of a naive time."""
    text = value.isoformat(" ")
    return text.rstrip("0") if value.microsecond else text


def _six_digits(text: str) -> str:
    whole, point, fraction = text.partition(".")
    return f"{whole}.{fraction:0<6}" if point else whole
