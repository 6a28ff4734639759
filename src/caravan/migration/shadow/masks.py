"""Masks: differences that somebody answers for, for a time. One leaf each; what would hide more is refused."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from caravan.migration.shadow.acceptance import WHOLE, below, why_not
from caravan.migration.shadow.differences import Kind, Spot
from caravan.migration.shadow.errors import MaskRefusedError

__all__ = ["BlindSpot", "Mask", "Masks", "blind_spot"]

LONGEST: Final = timedelta(days=180)
MOST_SHARE: Final = 0.2
"""A route whose masks cover more of its leaves is not compared any more."""

_INDEX: Final = re.compile(r"\[\d+\]")
_STRUCTURAL: Final = frozenset((Kind.MISSING, Kind.EXTRA, Kind.TYPE, Kind.REFERENCE))


@dataclass(frozen=True, slots=True)
class Mask:
    """``path`` is the normalised path of one leaf as reports print it; ``until`` is its last day."""

    route: str
    path: str
    owner: str
    reason: str
    until: date
    kind: Kind = Kind.VALUE

    def to_json(self) -> dict[str, Any]:
        return {
            "route": self.route,
            "path": self.path,
            "owner": self.owner,
            "reason": self.reason,
            "until": self.until.isoformat(),
            "kind": self.kind.value,
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Mask":
        return cls(**{**given, "until": date.fromisoformat(given["until"]), "kind": Kind(given["kind"])})


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """``masked`` of ``leaves`` (normalised paths seen on the old side) are not compared for their values."""

    masked: int
    leaves: int

    @property
    def share(self) -> float:
        return self.masked / self.leaves if self.leaves else 0.0


class Masks:
    """The masks in force. ``add`` refuses, ``hides`` is asked for each spot, an expired mask hides nothing."""

    def __init__(self, masks: Collection[Mask] = ()) -> None:
        self._masks: dict[tuple[str, Spot], Mask] = {
            (mask.route, (mask.path, mask.kind)): mask for mask in masks
        }

    def __iter__(self) -> Any:  # noqa: ANN401 - an iterator of masks
        return iter(self._masks.values())

    def add(self, mask: Mask, leaves: Collection[str], today: date) -> None:
        """Take a mask; ``leaves`` are the paths of the route's leaves seen so far. Raises ``MaskRefusedError``."""
        _refuse_unowned(mask, today)
        _refuse_broad(mask, leaves)
        there = [each for each in self if each.route == mask.route and each.path in leaves]
        if leaves and len({each.path for each in there} | {mask.path}) > max(1.0, MOST_SHARE * len(leaves)):
            raise MaskRefusedError(
                f"{mask.route}: {len(there)} of its {len(leaves)} leaves are masked already, and a fifth is the most"
            )
        self._masks[mask.route, (mask.path, mask.kind)] = mask

    def accept(self, found: Mask, leaves: Collection[str], today: date) -> None:
        """Take a difference that was found, of this very kind; ``leaves`` as in ``add``. Raises ``MaskRefusedError``."""
        if found.kind is Kind.VALUE:
            self.add(found, leaves, today)
            return
        _refuse_unowned(found, today)
        if (reason := why_not(found.path, found.kind)) is not None:
            raise MaskRefusedError(f"{found.path}: {reason}")
        blind = self.masked_leaves(found.route, leaves, today)
        more = below(found.path, leaves) if found.kind is not Kind.EXTRA else set()
        if leaves and more and len(blind | more) > max(1.0, MOST_SHARE * len(leaves)):
            raise MaskRefusedError(
                f"{found.path}: {len(blind | more)} of the {len(leaves)} leaves of {found.route} would not be compared, and a"
                " fifth is the most"
            )
        self._masks[found.route, (found.path, found.kind)] = found

    def hides(self, route: str, spot: Spot, today: date) -> bool:
        mask = self._masks.get((route, spot))
        return mask is not None and today <= mask.until

    def masked_leaves(self, route: str, leaves: Collection[str], today: date) -> set[str]:
        """Return the leaves that are not compared: of what may be missing or of another type all that are under it."""
        hidden: set[str] = set()
        for mask in self:
            if mask.route == route and today <= mask.until and mask.kind is not Kind.EXTRA:
                hidden |= below(mask.path, leaves)
        return hidden


def blind_spot(masks: Masks, route: str, leaves: Collection[str], today: date) -> BlindSpot:
    """Count the leaves of a route that a mask covers today."""
    return BlindSpot(len(masks.masked_leaves(route, leaves, today)), len(leaves))


def _refuse_unowned(mask: Mask, today: date) -> None:
    if not mask.owner.strip() or not mask.reason.strip():
        raise MaskRefusedError(f"{mask.path}: a mask needs an owner and a reason")
    if mask.until < today:
        raise MaskRefusedError(f"{mask.path}: its last day {mask.until} has passed")
    if mask.until - today > LONGEST:
        raise MaskRefusedError(f"{mask.path}: {mask.until} is further away than {LONGEST.days} days")


def _refuse_broad(mask: Mask, leaves: Collection[str]) -> None:
    if mask.kind in _STRUCTURAL:
        raise MaskRefusedError(f"{mask.path}: a member that is {mask.kind} changes the shape of the answer")
    if mask.kind is Kind.LENGTH:
        raise MaskRefusedError(f"{mask.path}: with the length of an array whole elements would be hidden")
    if mask.kind is Kind.ORDER or _INDEX.search(mask.path):
        raise MaskRefusedError(
            f"{mask.path}: which element stands where is ambiguous; an array without order is learnt from the old side"
        )
    if mask.path in WHOLE or not re.search(r"[.{]", mask.path):
        raise MaskRefusedError(f"{mask.path}: names no single leaf")
    if "*" in mask.path.replace("[*]", "") or mask.path.endswith("[*]"):
        raise MaskRefusedError(f"{mask.path}: a pattern would hide fields that nobody looked at")
    if below(mask.path, leaves) - {mask.path}:
        raise MaskRefusedError(f"{mask.path}: has members of its own; name the one that may differ")

    if leaves and mask.path not in leaves:
        raise MaskRefusedError(f"{mask.path}: was never seen on {mask.route}")
