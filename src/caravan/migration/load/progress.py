"""How far a load is: a bar where somebody watches, a plain line every few seconds where nobody does."""

import sys
import time
from collections.abc import Callable
from typing import Final, Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from caravan.migration.load.readers import CollectionInfo

__all__ = ["LineProgress", "NoProgress", "Progress", "TerminalProgress", "progress_for"]

_EVERY: Final = 3.0


class Progress(Protocol):
    """What a load tells while it runs; ``position`` is (bytes consumed, bytes in all) of the source on disk."""

    def begin(self, data_set: str, info: CollectionInfo | None) -> None: ...

    def advance(self, records: int, position: tuple[int, int]) -> None: ...

    def end(self) -> None: ...

    def note(self, text: str) -> None: ...


class NoProgress:
    """Says nothing."""

    def begin(self, data_set: str, info: CollectionInfo | None) -> None: ...

    def advance(self, records: int, position: tuple[int, int]) -> None: ...

    def end(self) -> None: ...

    def note(self, text: str) -> None: ...


class LineProgress:
    """A line per data set, and one every few seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._name = ""
        self._records = 0
        self._started = self._told = 0.0

    def begin(self, data_set: str, info: CollectionInfo | None) -> None:
        self._name, self._records = data_set, 0
        self._started = self._told = self._clock()
        known = f", {info.documents} records" if info is not None and info.documents is not None else ""
        self.note(f"{data_set}: loading{known}")

    def advance(self, records: int, position: tuple[int, int]) -> None:
        self._records += records
        now = self._clock()
        if now - self._told < _EVERY:
            return
        self._told = now
        done, size = position
        elapsed = now - self._started
        left = f", {elapsed * (size - done) / done:.0f} s left" if 0 < done <= size else ""
        share = f" ({100 * done / size:.0f} %)" if size else ""
        self.note(f"{self._name}: {self._records} records{share}, {self._records / elapsed:.0f}/s{left}")

    def end(self) -> None:
        elapsed = max(self._clock() - self._started, 1e-9)
        self.note(
            f"{self._name}: {self._records} records in {elapsed:.1f} s, {self._records / elapsed:.0f}/s"
        )

    def note(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class TerminalProgress:
    """A bar per data set, by bytes of the source."""

    def __init__(self, stream: TextIO) -> None:
        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[records]} records"),
            TextColumn("{task.fields[rate]}/s"),
            TimeRemainingColumn(),
            console=Console(file=stream),
        )
        self._task: TaskID | None = None
        self._records = 0
        self._started = 0.0

    def begin(self, data_set: str, info: CollectionInfo | None) -> None:
        if not self._bars.live.is_started:
            self._bars.start()
        total = info.size if info is not None else None
        self._task = self._bars.add_task(data_set, total=total, records=0, rate="-")
        self._records, self._started = 0, time.monotonic()

    def advance(self, records: int, position: tuple[int, int]) -> None:
        if self._task is None:
            return
        self._records += records
        elapsed = max(time.monotonic() - self._started, 1e-9)
        done, size = position
        self._bars.update(
            self._task,
            completed=done,
            total=size or None,
            records=self._records,
            rate=f"{self._records / elapsed:.0f}",
        )

    def end(self) -> None:
        if self._task is not None:
            total = self._bars.tasks[self._task].total or 1
            self._bars.update(self._task, total=total, completed=total)
        self._bars.stop()
        self._task = None

    def note(self, text: str) -> None:
        self._bars.console.print(text, markup=False, highlight=False)


def progress_for(stream: TextIO | None = None) -> Progress:
    """Return what suits the stream (standard error when none is given)."""
    stream = sys.stderr if stream is None else stream
    return TerminalProgress(stream) if stream.isatty() else LineProgress(stream)
