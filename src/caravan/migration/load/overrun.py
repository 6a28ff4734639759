"""Ends the mapping of a record that does not come back: a loop in a mapping costs its record, never the load."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Final, Self

__all__ = ["OverrunWatch", "RecordOverrunError"]

_LOOK_EVERY: Final = 5.0
"""Seconds of processor time between two looks; a record that both of them see has had at least as many."""


class RecordOverrunError(BaseException):
    """A record was mapped for too long. No ``Exception``: a mapping that catches everything is ended as well."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"did not come back within {seconds:g} seconds of processor time")


class OverrunWatch:
    """Entered around the records of a chunk; ``record`` is the one whose mapping runs, None between them.

    It looks by a timer of processor time (SIGVTALRM), so a busy machine ends nothing; that timer belongs to the main thread of a
    process, and on others, as on Windows, nothing is watched.
    """

    def __init__(self) -> None:
        self.record: int | None = None
        self._seen: int | None = None
        self._before: Any = None

    def __enter__(self) -> Self:
        self._watches = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        if self._watches:
            self._seconds = _LOOK_EVERY
            self._before = signal.signal(signal.SIGVTALRM, self._look)
            signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds, self._seconds)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watches:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, self._before)
            self._seen = None

    def _look(self, _number: int, _frame: FrameType | None) -> None:
        if self.record is not None and self.record == self._seen:
            self._seen = None
            raise RecordOverrunError(self._seconds)
        self._seen = self.record
