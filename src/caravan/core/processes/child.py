"""One child as its supervisor sees it."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from caravan.core.processes.lifeline import PARENT

__all__ = ["Child"]

_LAST_LINES: Final = 12
_LONGEST_LOG: Final = 10_000_000
_LONG_TIME: Final = 3650 * 86_400.0


@dataclass(slots=True)
class Child:
    """One process to keep running; its environment gets CARAVAN_PARENT, which `end_with_supervisor` takes.

    ``letter`` is what it finds on standard input. What it prints goes to ``log`` (appended; 10 MB long it becomes
    ``.old`` at the next start), or where our own output goes. ``deaths`` counts those soon after a start, in a row.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    letter: bytes | None = field(default=None, repr=False)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    not_before: float = field(default=0.0, init=False)
    deaths: int = field(default=0, init=False)

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self.started

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    def start(self) -> None:
        """Start it, in a session of its own: Ctrl-C reaches the children through their supervisor, in order, not twice."""
        environment = {**os.environ, **self.environment, PARENT: str(os.getpid())}
        with _output(self.log) as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own command line
                self.command,
                env=environment,
                start_new_session=True,
                stdin=subprocess.DEVNULL if self.letter is None else subprocess.PIPE,
                stdout=output,
                stderr=output,
            )
        self.started = time.monotonic()
        if self.letter is not None and self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), self.process.stdin as pipe:
                pipe.write(self.letter)

    def signal(self, number: int) -> None:
        """Send it a signal while it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it with whatever is left of its session's first group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def ended(self, seconds: float = 0.0) -> int | None:
        """Wait so long; return the exit code (negative: by that signal) when it has ended."""
        if self.process is None:
            return 0
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def reap(self) -> None:
        """Wait until it has ended, which it was killed for."""
        self.ended(_LONG_TIME)

    def last_words(self) -> str:
        """Return the end of its log, to be shown where the log is not."""
        if self.log is None or not self.log.exists():
            return ""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
        return "".join(f"\n  {line}" for line in [f"Its last lines in {self.log}:", *lines])


@contextlib.contextmanager
def _output(log: Path | None) -> Iterator[BinaryIO | None]:
    if log is None:
        yield None
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LONGEST_LOG:
        log.replace(log.with_name(f"{log.name}.old"))
    with log.open("ab") as file:
        yield file
