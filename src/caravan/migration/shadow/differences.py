"""What can differ between two answers: a place, and in which way."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

__all__ = ["Difference", "Kind", "Spot", "child", "mirrored", "shorten"]


class Kind(StrEnum):
    """In which way two answers differ at a place."""

    MISSING = "missing"
    EXTRA = "extra"
    TYPE = "type"
    VALUE = "value"
    ORDER = "order"
    LENGTH = "length"
    REFERENCE = "reference"
    """Two ids that were one on the old side are two on the new one, or the other way round."""


Spot: TypeAlias = tuple[str, Kind]
"""A normalised path and a kind: what evidence is gathered for, within one route."""

_ID_KEY: Final = re.compile(r"[0-9]+|[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PLAIN_KEY: Final = re.compile(r"[\w@<>!/-]+")
_MIRRORED: Final = {Kind.MISSING: Kind.EXTRA, Kind.EXTRA: Kind.MISSING}
_SHOWN: Final = 120


@dataclass(frozen=True, slots=True)
class Difference:
    """``path`` is normalised: array positions are ``[*]``, member names that are ids ``{id}``; ``old`` and ``new`` are shown.

    ``trail`` leads from the part of the answer (``$`` is a JSON body) to the place itself, by names and positions on the old
    side, on the new one for what is extra.
    """

    path: str
    kind: Kind
    old: str
    new: str
    trail: tuple[str | int, ...] = ()

    @property
    def spot(self) -> Spot:
        return self.path, self.kind


@lru_cache(maxsize=20_000)
def child(path: str, name: str) -> str:
    """The normalised path of a member: ``$.orders{id}.total``; names with other signs are quoted."""
    if _ID_KEY.fullmatch(name):
        return f"{path}{{id}}"
    return f"{path}.{name}" if _PLAIN_KEY.fullmatch(name) else f"{path}[{name!r}]"


def mirrored(spot: Spot) -> Spot:
    """The same difference seen from the other side."""
    return spot[0], _MIRRORED.get(spot[1], spot[1])


def shorten(text: str) -> str:
    """Cut what is shown of a value to a line."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
