"""Fences that stand, as the journal tells it: no store is asked. ``caravan cutover status`` asks them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from caravan.migration.cutover.roles import SideName
from caravan.migration.units import Entry
from caravan.migration.units.states import SWITCHED

__all__ = ["ToldFence", "told_fences"]


@dataclass(frozen=True, slots=True)
class ToldFence:
    """``whole`` is False where putting it up was begun and not confirmed; ``by_hand`` are the statements that take it down."""

    transition: UUID
    side: SideName
    since: datetime
    whole: bool
    by_hand: Sequence[str] = ()


class _Fences:
    """Follows the journal of one unit, entry by entry."""

    def __init__(self) -> None:
        self.standing: dict[UUID, ToldFence] = {}
        self._giver: dict[UUID, SideName] = {}
        self._by_hand: dict[UUID, Sequence[str]] = {}
        self._doing: dict[UUID, str] = {}

    def follow(self, entry: Entry) -> None:
        if entry.phase == "fence released":
            self.standing.pop(UUID(entry.facts["fence"]), None)
        elif entry.transition is None:
            return
        elif entry.phase == "intent":
            onward = entry.facts["after"]["state"] >= SWITCHED
            self._giver[entry.transition] = "old" if onward else "new"
        elif entry.phase == "step":
            self._doing[entry.transition] = entry.facts.get("effect", "")
            if self._doing[entry.transition] == "fence":
                self._up(entry, self._giver.get(entry.transition, "old"), whole=False)
        elif entry.phase == "effect":
            self._did(entry, entry.transition, entry.facts.get("told") or {})

    def _did(self, entry: Entry, transition: UUID, told: Mapping[str, Any]) -> None:
        effect = self._doing.get(transition, "")
        if "fence_by_hand" in told:
            self._by_hand[transition] = told["fence_by_hand"]
        if effect == "fence" and transition in self.standing:
            self.standing[transition] = replace(self.standing[transition], whole=True)
        elif effect in ("close", "keep fenced") and told.get("fence") == "put up":
            self._by_hand[transition] = told.get("by_hand", ())
            self._up(entry, "old", whole=True)
        elif effect == "unfence" or (effect == "settle" and told.get("fence") == "taken down"):
            self.standing.pop(transition, None)
        elif effect == "open":
            for opened in told.get("opened", ()):
                self.standing.pop(UUID(opened), None)

    def _up(self, entry: Entry, side: SideName, *, whole: bool) -> None:
        if entry.transition is not None:
            by_hand = self._by_hand.get(entry.transition, ())
            self.standing[entry.transition] = ToldFence(entry.transition, side, entry.at, whole, by_hand)


def told_fences(told: Iterable[Entry]) -> list[ToldFence]:
    """Return the fences that stand after these entries of one unit, the oldest first."""
    fences = _Fences()
    for entry in told:
        fences.follow(entry)
    return list(fences.standing.values())
