"""How long clients waited for a cutover, step by step, as the journal tells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from caravan.migration.units import Entry, Scope, entries
from caravan.migration.units.cutover_steps import HOLD

__all__ = ["HoldShares", "last_hold", "timed_steps"]


@dataclass(frozen=True, slots=True)
class HoldShares:
    """``seconds`` from before the hold to behind the release; ``steps`` are (name, seconds), journal included."""

    seconds: float
    steps: Sequence[tuple[str, float]]

    def told(self) -> str:
        """Return a line for people."""
        return f"writes were held for {self.seconds:.3f} s: " + ", ".join(
            f"{name} {seconds:.3f}" for name, seconds in self.steps
        )

    def as_json(self) -> dict[str, Any]:
        return {"seconds": self.seconds, "steps": dict(self.steps)}


def last_hold(connection: psycopg.Connection, scope: Scope, unit: str) -> HoldShares | None:
    """Return the last hold of this unit that was let go; None where none was."""
    told = list(entries(connection, scope, unit))
    released = [entry for entry in told if entry.phase == "effect" and _held_seconds(entry) is not None]
    if not released:
        return None
    last = released[-1]
    own = [entry for entry in told if entry.transition == last.transition and entry.number <= last.number]
    begun = next((n for n, one in reversed(list(enumerate(own))) if one.facts.get("name") == HOLD), 0)
    return HoldShares(_held_seconds(last) or 0.0, tuple(timed_steps(own[begun:])))


def timed_steps(own: Sequence[Entry]) -> Iterator[tuple[str, float]]:
    """Yield each step of a transition that was done, with how many seconds it took."""
    begun: dict[int, Entry] = {}
    for entry in own:
        number: Any = entry.facts.get("number")
        if entry.phase == "step":
            begun[number] = entry
        elif entry.phase == "effect" and number in begun:
            first = begun.pop(number)
            yield str(first.facts["name"]), (entry.at - first.at).total_seconds()


def _held_seconds(entry: Entry) -> float | None:
    told = entry.facts.get("told")
    held = told.get("held_seconds") if isinstance(told, dict) else None
    return None if held is None else float(held)
