"""Starts children, restarts those that die, ends them all together."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

import structlog

from caravan.core.errors import CaravanError
from caravan.core.processes.child import Child

__all__ = ["ChildKeepsDyingError", "Supervisor", "Watch"]

log = structlog.get_logger(__name__)

_LOOK_EVERY: Final = 0.1
_STEADY: Final = 20.0
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0


class ChildKeepsDyingError(CaravanError):
    code = "process_keeps_dying"
    status = 500
    title = "A process of the service ends as soon as it starts"
    fix = (
        "Its last lines, in the message or above, say why it ended. `caravan doctor` checks the usual causes."
    )


@dataclass(slots=True)
class Watch:
    """Something the supervisor looks after between its children, every so many seconds."""

    every: float
    look: Callable[[], None]
    due: float = field(default=0.0, init=False)


class Supervisor:
    """Runs its children until it is asked to stop. In the main thread it listens to SIGINT, SIGTERM and SIGHUP.

    A child that dies is started again, after a pause that doubles while it dies young. ``patience`` is how many such
    deaths in a row are too many; None never gives up. With ``reloads``, SIGHUP is passed on to the children instead of
    ending them; with ``on_hangup`` it calls that, between two looks.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        grace: float = 10.0,
        patience: int | None = 5,
        watches: Sequence[Watch] = (),
        reloads: bool = False,
        on_hangup: Callable[[], None] | None = None,
    ) -> None:
        self.children = tuple(children)
        self._grace = grace
        self._patience = patience
        self._watches = tuple(watches)
        self._reloads = reloads
        self._on_hangup = on_hangup
        self._hung_up = threading.Event()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask `run` to end; safe to call from a signal handler."""
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """Whether somebody asked."""
        return self._stopping.is_set()

    def run(self, on_started: Callable[[], None] | None = None) -> None:
        """Keep the children running until a signal or `stop`; all have ended when it returns.

        Raises:
            ChildKeepsDyingError: when patience ended.
        """
        with self._signals():
            try:
                for child in self.children:
                    self._start(child)
                if on_started is not None:
                    on_started()
                while not self._stopping.wait(_LOOK_EVERY):
                    self.look_after()
            finally:
                self._end_all()

    def look_after(self) -> None:
        """Start again what has died, and do what watches are due; for callers that wait inside ``on_started``."""
        for child in self.children:
            self._tend(child)
        if self._on_hangup is not None and self._hung_up.is_set() and not self._stopping.is_set():
            self._hung_up.clear()
            self._on_hangup()
        for watch in self._watches:
            if not self._stopping.is_set() and time.monotonic() >= watch.due:
                watch.look()
                watch.due = time.monotonic() + watch.every

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def asked(_number: int, _frame: FrameType | None) -> None:
            self._stopping.set()

        def reload(_number: int, _frame: FrameType | None) -> None:
            if self._on_hangup is not None:
                self._hung_up.set()
                return
            for child in self.children:
                child.signal(signal.SIGHUP)

        # Who started us under nohup wants SIGHUP ignored. SIGINT is ignored in what a script starts with `&`: kill -INT means us still.
        hung_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
        wanted = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hung_up else [])]
        before = {number: signal.signal(number, asked) for number in wanted}
        if self._reloads or self._on_hangup is not None:
            before[signal.SIGHUP] = before.get(signal.SIGHUP, signal.getsignal(signal.SIGHUP))
            signal.signal(signal.SIGHUP, reload)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _tend(self, child: Child) -> None:
        if self._stopping.is_set():
            return
        if child.process is not None and (code := child.ended()) is not None:
            self._mourn(child, code)
        if child.process is None and time.monotonic() >= child.not_before:
            self._start(child)

    def _start(self, child: Child) -> None:
        child.start()
        log.info("process.started", process=child.name, pid=child.pid)

    def _mourn(self, child: Child, code: int) -> None:
        lasted = child.age
        child.deaths = child.deaths + 1 if lasted < _STEADY else 1
        child.not_before = time.monotonic() + min(_FIRST_PAUSE * 2**child.deaths, _LONGEST_PAUSE)
        log.warning("process.ended", process=child.name, code=code, seconds=round(lasted, 1))
        child.kill()  # what it started and left
        child.process = None
        if self._patience is not None and child.deaths >= self._patience:
            raise ChildKeepsDyingError(
                f"{child.name} ended {child.deaths} times in a row, last with code {code}.{child.last_words()}"
            )

    def _end_all(self) -> None:
        for child in self.children:
            child.terminate()
        deadline = time.monotonic() + self._grace
        for child in self.children:
            if child.ended(max(0.0, deadline - time.monotonic())) is None:
                log.warning("process.killed", process=child.name, grace=self._grace)
            child.kill()
            child.reap()
