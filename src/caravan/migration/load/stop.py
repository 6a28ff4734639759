"""SIGINT and SIGTERM ask a load to stop; it stops between two steps, with nothing half done."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from caravan.migration.load.errors import LoadInterruptedError

__all__ = ["StopSwitch"]


class StopSwitch:
    """Listens to the signals while entered; outside the main thread only ``ask`` stops the load."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._before: dict[signal.Signals, Any] = {}

    def ask(self) -> None:
        """Stop at the next step."""
        self._asked.set()

    def check(self) -> None:
        """Raise ``LoadInterruptedError`` when somebody asked."""
        if self._asked.is_set():
            raise LoadInterruptedError(
                "stopped by a signal; chunks in flight were rolled back, the load can be resumed"
            )

    def pause(self, seconds: float) -> None:
        """Wait so long, less when somebody asks; then raise ``LoadInterruptedError``."""
        self._asked.wait(seconds)
        self.check()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in (signal.SIGINT, signal.SIGTERM):
                self._before[name] = signal.signal(name, self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, handler in self._before.items():
            signal.signal(name, handler)
        self._before.clear()

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self.ask()
