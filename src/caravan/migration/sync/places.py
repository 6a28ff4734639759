"""The one rule of a synchronisation: what may be written over what. Pure; ``row_places`` holds the same rule as SQL.

Two writers bring rows to the target: chunks of a snapshot, and changes read from the log. Each row remembers the place in the
log of what it holds, a deleted one by a tombstone. Whoever comes with something older is passed over. So the order in which chunks
and changes arrive, how often, and what a crash repeats, does not matter: the newest wins, and the log has the newest of each row.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["LAST_STEP", "Held", "Place", "change_wins", "chunk_wins", "snapshot_place"]

LAST_STEP: Final = 2**31 - 1
"""Behind every change of its transaction."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A change's place in a log: the number of its transaction's position, and its step within the transaction."""

    number: int
    step: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a row remembers; ``deleted`` is a tombstone."""

    place: Place
    deleted: bool = False


def snapshot_place(number: int) -> Place:
    """Return the place of what a snapshot at this position shows: behind all that the position covers."""
    return Place(number, LAST_STEP)


def change_wins(held: Held | None, floor: Place | None, incoming: Place) -> bool:
    """Tell whether a change is applied. ``floor`` is the last truncate of the data set, which touched every row."""
    return _above(floor, incoming) and (held is None or held.place < incoming)


def chunk_wins(held: Held | None, floor: Place | None, snapshot: int) -> bool:
    """Tell whether a row of a chunk is written; what the same snapshot brought may be written again, mapped anew.

    A tombstone stands even against a later snapshot: the change that brought the row back is still to come, and brings it.
    """
    incoming = snapshot_place(snapshot)
    if not _above(floor, incoming):
        return False
    if held is None:
        return True
    return not held.deleted and held.place <= incoming


def _above(floor: Place | None, incoming: Place) -> bool:
    return floor is None or floor < incoming
