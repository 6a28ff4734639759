"""What is shown: two sides, their migration file, what clients ask, and how the new side is broken."""

from collections.abc import Callable
from dataclasses import dataclass

from scripts.demo.load import Call, Mix
from scripts.demo.promises import Promises

__all__ = ["Acceptance", "Case"]


@dataclass(frozen=True)
class Acceptance:
    """A difference that somebody answers for, as `caravan migration accept` takes it."""

    route: str
    path: str
    kind: str
    owner: str
    reason: str


@dataclass(frozen=True)
class Case:
    """Two sides and what is done to them.

    ``text`` is the migration file, with ``{port}`` for the gateway's. ``every`` is what clients ask, ``reads`` what they ask while a
    canary is promoted. ``once`` are calls that the recording has once, such as writes that only the old side gets; ``settle`` then
    brings both sides to the same state. ``spoil`` has the new side fail a share of its requests. ``meanwhile`` is called with the gateway's port while the unit is in the shadow, and tells what else was promised.
    ``watched`` names the business counters of the file.
    """

    unit: str
    old: str
    new: str
    text: str
    every: Mix
    reads: Mix
    spoil: Callable[[float], None]
    host: str = "127.0.0.1"
    once: tuple[Call, ...] = ()
    settle: Callable[[], None] = lambda: None
    accepted: tuple[Acceptance, ...] = ()
    meanwhile: Callable[[int, Promises], None] = lambda _port, _promises: None
    watched: tuple[str, ...] = ()
