"""How long clients may wait: counted from the moment their writes are held to the moment they go on."""

import time
from collections.abc import Callable
from typing import Final

from caravan.migration.cutover.errors import HoldBudgetError

__all__ = ["HoldBudget"]

_SHARE: Final = 0.75
"""Of the budget, the share that the steps may use: the rest is for the flip and the release, or for undoing."""
_UNHELD: Final = 60.0


class HoldBudget:
    """``seconds`` is the whole budget of one hold; time is counted only while something is held."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._since: float | None = None
        self.held_for: float | None = None

    def begin(self) -> None:
        """Writes are about to be held."""
        self._since = self._clock()
        self.held_for = None

    def end(self) -> float | None:
        """Writes go on; returns how long they were held, None when nothing was."""
        if self._since is None:
            return None
        self.held_for, self._since = self._clock() - self._since, None
        return self.held_for

    def left(self, step: str) -> float:
        """Return how many seconds a step may take; raises ``HoldBudgetError`` when nothing is left."""
        if self._since is None:
            return _UNHELD
        left = self._seconds * _SHARE - (self._clock() - self._since)
        if left <= 0:
            raise HoldBudgetError(
                f"The budget of {self._seconds:g} s for holding writes was used up before the step {step!r}."
            )
        return left
