"""How much may be asked of the old side: it serves clients, and asking again is load on production."""

import math
from collections import deque
from dataclasses import dataclass, field

__all__ = ["Budget", "BudgetReport"]

_WINDOW = 500
_LEAST = 100
_PATIENCE = 10 * _WINDOW


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """``asked`` of ``served`` requests, p95 in seconds before asking and now; ``stopped`` says why nothing is asked."""

    served: int
    asked: int
    allowed: int
    calm_p95: float | None
    present_p95: float | None
    stopped: str | None


@dataclass(slots=True)
class Budget:
    """At most ``share`` of the old side's requests, and none while its p95 is ``rise`` above what it was.

    The p95 to compare with is that of the first requests served before anything was asked, then of each window in which
    nothing was. Asking goes on when half of the rise is gone; a side that stays slow for ten windows without being asked is slow by
    itself, and that becomes the measure. ``burst`` requests may be asked ahead of their share. ``promised`` ones are kept back.
    """

    share: float = 0.01
    rise: float = 0.2
    burst: int = 20
    served: int = 0
    asked: int = 0
    calm_p95: float | None = None
    slow: bool = False
    promised: int = 0
    _window: deque[float] = field(default_factory=lambda: deque(maxlen=_WINDOW))
    _quiet: int = 0

    def saw(self, seconds: float) -> None:
        """Take the duration of a request that the old side served to a client."""
        self.served += 1
        self._quiet += 1
        self._window.append(seconds)
        if self.served % _LEAST == 0:
            self._look()

    def take(self, requests: int) -> bool:
        """Spend ``requests`` if they may be asked now, else spend nothing and return False."""
        return self._spend(requests, self.promised)

    def promise(self, requests: int) -> None:
        """Keep so many back for a person who waits: nothing else is asked until they are there."""
        self.promised += requests

    def keep_promise(self, requests: int, *, wanted: bool = True) -> bool:
        """Spend what was promised if it is there by now; with ``wanted`` False it is given up."""
        kept = wanted and self._spend(requests, 0)
        if kept or not wanted:
            self.promised -= requests
        return kept

    def _spend(self, requests: int, held_back: int) -> bool:
        if self.calm_p95 is None or self.slow or self.asked + requests + held_back > self._allowed():
            return False
        self.asked += requests
        self._quiet = 0
        return True

    def report(self) -> BudgetReport:
        reason = None
        if self.calm_p95 is None:
            reason = f"the p95 of the old side is known after {_LEAST} requests"
        elif self.slow:
            reason = f"the p95 of the old side rose by more than {self.rise:.0%}"
        present = _p95(self._window) if self._window else None
        return BudgetReport(self.served, self.asked, self._allowed(), self.calm_p95, present, reason)

    def _allowed(self) -> int:
        return math.floor(self.share * self.served) + self.burst

    def _look(self) -> None:
        present = _p95(self._window)
        if self.calm_p95 is None or self._quiet >= (_PATIENCE if self.slow else _WINDOW):
            self.calm_p95 = present
        was_slow, limit = self.slow, self.rise / 2 if self.slow else self.rise
        self.slow = present > self.calm_p95 * (1 + limit)
        if self.slow and not was_slow:
            self._quiet = 0


def _p95(window: deque[float]) -> float:
    ordered = sorted(window)
    return ordered[math.ceil(0.95 * len(ordered)) - 1]
