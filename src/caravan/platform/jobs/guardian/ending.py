"""Ending every process of a job: SIGTERM, a grace, SIGKILL, until none is left."""

import contextlib
import os
import signal
from collections.abc import Callable, Sequence

from .orders import now
from .processes import Process, send

__all__ = ["Ending"]

_ROUNDS = 50
_GIVE_UP = 30.0


class Ending:
    """Begun at most once for a reason; what is asked later can only shorten the grace."""

    def __init__(self, grace: float) -> None:
        self.begun = False
        self.reason: str | None = None
        self._kill_at = now() + grace
        self._asked: set[tuple[int, int]] = set()

    @property
    def hopeless(self) -> bool:
        """Whether SIGKILL has been of no use for so long that it never will be: they belong to another user."""
        return self.begun and now() > self._kill_at + _GIVE_UP

    def begin(self, reason: str | None, grace: float) -> None:
        """Begin to end, or end sooner. ``reason`` is None when the program has ended by itself."""
        kill_at = now() + grace
        self._kill_at = min(self._kill_at, kill_at) if self.begun else kill_at
        if not self.begun:
            self.reason = reason
        self.begun = True

    def signal_all(self, who: Callable[[], Sequence[Process]]) -> None:
        """Send what is due now to everybody ``who`` finds: once SIGTERM each, after the grace SIGKILL each time."""
        if now() >= self._kill_at:
            _kill(who)
            return
        for process in who():
            name = (process.pid, process.started)
            if name not in self._asked:
                self._asked.add(name)
                send(process, signal.SIGTERM)
                send(process, signal.SIGCONT)  # a stopped process hears nothing else

    def signal_group(self, group: int) -> None:
        """Send what is due now to one process group, where there is no /proc to find more."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if now() >= self._kill_at:
                os.killpg(group, signal.SIGKILL)
            elif not self._asked:
                self._asked.add((group, 0))
                os.killpg(group, signal.SIGTERM)


def _kill(who: Callable[[], Sequence[Process]]) -> None:
    """Stop all of them first, so that none makes a new one meanwhile; then kill."""
    stopped: set[tuple[int, int]] = set()
    found: Sequence[Process] = ()
    for _ in range(_ROUNDS):
        found = who()
        fresh = [process for process in found if (process.pid, process.started) not in stopped]
        if not fresh:
            break
        for process in fresh:
            stopped.add((process.pid, process.started))
            send(process, signal.SIGSTOP)
    for process in found:
        send(process, signal.SIGKILL)
