"""Carries one flow: reads, gathers batches, applies, tells how it is; goes on from the last commit whatever happens.

One loop for both ways and for watching. A source or a store that is away is tried again, more and more slowly; what waiting cannot
mend ends the flow with its reason.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import psycopg
import structlog

from caravan.migration.capture.changes import ChangeSource, Position, Transaction
from caravan.migration.capture.errors import CaptureStoppedError, ChangesUnreadableError
from caravan.migration.sync.errors import FlowReplacedError, LegacyWriteError
from caravan.migration.sync.flow_rows import Flow, FlowKey, ModeChangedError, Progress
from caravan.migration.sync.measurements import measure, note
from caravan.migration.sync.sinks import Sink

__all__ = ["FlowOptions", "FlowRunner", "this_holder"]

log = structlog.get_logger(__name__)

_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 15.0
_BEAT_EVERY: Final = 0.25
_HOLDING: Final = 0.01
"""How often a flow looks at what is wanted of it, and how long it listens, while somebody waits for it at a position."""
_LONGEST_GATHER: Final = 1.0
"""Seconds that a batch is gathered at most where more is known to wait: the flow must beat and hear what is wanted."""
_RETAINED_EVERY: Final = 5.0


@dataclass(frozen=True, slots=True)
class FlowOptions:
    """``batch`` changes or ``gather`` seconds make a batch, whatever comes first; ``wait`` is how long an empty log is listened to.

    Behind the end of the log ``batch`` alone decides: what waits there is read without a pause, and small batches would cost commits.

    ``most_per_second`` throttles: changes applied in a second, None for as many as come.
    """

    batch: int = 2_000
    gather: float = 0.05
    wait: float = 0.05
    most_per_second: int | None = None


def this_holder() -> str:
    """Return a name of this process for people: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


class FlowRunner:
    """Runs one flow until told to stop. ``open_source`` and ``open_sink`` are called anew after each loss of a connection."""

    def __init__(
        self,
        key: FlowKey,
        open_source: Callable[[], ChangeSource],
        open_sink: Callable[[], Sink],
        *,
        stop: threading.Event,
        options: FlowOptions | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._key = key
        self._open_source, self._open_sink = open_source, open_sink
        self._stop = stop
        self._options = options or FlowOptions()
        self._clock = clock

    def run(self, *, until_caught_up: bool = False) -> None:
        """Carry the flow.

        Raises:
            FlowHeldError, FlowReplacedError: another process carries it.
            ChangesLostError, CaptureRefusedError and others: what waiting cannot mend; the flow is ``failed`` and says why.
        """
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                if self._session(until_caught_up=until_caught_up):
                    return
            except (psycopg.OperationalError, CaptureStoppedError, LegacyWriteError) as error:
                if not _may_pass(error):
                    raise
                log.warning("flow.interrupted", flow=str(self._key), problem=str(error).strip())
                if time.monotonic() - began > _LONGEST_PAUSE:
                    pause = _FIRST_PAUSE
                self._stop.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def _session(self, *, until_caught_up: bool) -> bool:
        """Carry it over one pair of connections; True when it has ended in order."""
        sink = self._open_sink()
        try:
            flow = sink.take(this_holder())
            source = self._open_source()
            try:
                _Session(self._key, source, sink, flow, self._options, self._stop, self._clock).carry(
                    until_caught_up=until_caught_up
                )
            finally:
                source.close()
            sink.end()
        except FlowReplacedError:
            raise
        except Exception as error:
            if not _may_pass(error):
                _end_failed(sink, error)
            raise
        finally:
            sink.close()
        return True


def _may_pass(error: Exception) -> bool:
    """Tell whether waiting may mend it."""
    if isinstance(error, LegacyWriteError):
        return bool(error.details.get("transient"))
    if isinstance(error, ChangesUnreadableError):
        return False
    return isinstance(error, psycopg.OperationalError | CaptureStoppedError)


def _end_failed(sink: Sink, error: Exception) -> None:
    try:
        sink.end(failed=error)
    except psycopg.Error as problem:
        log.warning("flow.end_untold", problem=str(problem).strip())


class _Session:
    def __init__(
        self,
        key: FlowKey,
        source: ChangeSource,
        sink: Sink,
        flow: Flow,
        options: FlowOptions,
        stop: threading.Event,
        clock: Callable[[], datetime],
    ) -> None:
        self._key = key
        self._source, self._sink, self._flow = source, sink, flow
        self._options, self._stop, self._clock = options, stop, clock
        self._read_to = self._stored = flow.applied
        self._head: int | None = None
        self._caught_up = False
        self._behind_since: datetime | None = None
        self._batch: list[Transaction] = []
        self._changes = 0
        self._gathering_since = self._beaten = self._moved = 0.0
        self._retained: int | None = None
        self._retained_at = -_RETAINED_EVERY

    def carry(self, *, until_caught_up: bool) -> None:
        """Read and apply until told to stop, or until nothing is left."""
        self._beat()
        while not self._ending():
            if self._holding():
                self._stop.wait(_HOLDING)
                self._beat()
                continue
            try:
                self._read()
                self._flush()
            except ModeChangedError:
                self._begin_anew()
            self._beat(whenever=until_caught_up)
            if until_caught_up and (self._caught_up or self._holding()):
                break
        self._store()

    def _read(self) -> None:
        """Read until the log is empty for a moment, or something is wanted of us."""
        attended = self._flow.stop_number is not None
        wait = min(_HOLDING, self._options.wait) if attended else self._options.wait
        for transaction in self._source.transactions(self._read_to, wait=wait):
            if self._is_behind_stop(transaction):
                self._flush()
                self._reach_stop()
                return
            self._gather(transaction)
            if self._is_full():
                self._flush()
                self._beat()
                if self._ending() or self._holding():
                    return

    def _begin_anew(self) -> None:
        """Read once more what was not committed: it is to be treated otherwise."""
        self._batch, self._changes = [], 0
        self._read_to = self._stored
        self._beaten = 0.0

    def _gather(self, transaction: Transaction) -> None:
        if not self._batch:
            self._gathering_since = time.monotonic()
        self._batch.append(transaction)
        self._changes += len(transaction.changes)

    def _is_full(self) -> bool:
        if self._changes >= self._options.batch:
            return True
        gathered = time.monotonic() - self._gathering_since
        return gathered >= (_LONGEST_GATHER if self._more_waits() else self._options.gather)

    def _more_waits(self) -> bool:
        """Tell whether the log is known to hold something behind what was gathered."""
        return self._head is not None and self._batch[-1].position.number < self._head

    def _flush(self) -> None:
        """Apply what was gathered. A log that moves on without changes is not worth a commit each time it does."""
        batch, changes = self._batch, self._changes
        self._batch, self._changes = [], 0
        began = time.monotonic()
        if changes:
            self._take(self._sink.watch(batch) if self._flow.mode == "watch" else self._sink.apply(batch))
        elif batch:
            self._read_to = max(self._read_to, batch[-1].position)
        if began - self._moved >= _BEAT_EVERY or self._flow.stop_number is not None:
            self._store()
        if changes and self._options.most_per_second:
            self._stop.wait(max(0.0, changes / self._options.most_per_second - (time.monotonic() - began)))

    def _store(self) -> None:
        """Commit how far the log was read."""
        if self._stored < self._read_to:
            self._take(self._sink.stand(self._read_to, self._flow.mode))

    def _take(self, progress: Progress) -> None:
        """Note what is committed, and let the source forget it."""
        self._read_to = self._stored = max(self._read_to, progress.position)
        self._moved = time.monotonic()
        self._source.confirm(self._stored)
        note(self._key, progress)

    def _is_behind_stop(self, transaction: Transaction) -> bool:
        stop = self._flow.stop_number
        return stop is not None and transaction.position.number > stop

    def _reach_stop(self) -> None:
        """Stand exactly at the stop: nothing lies between the last transaction before it and the stop itself."""
        stop = self._flow.stop_number
        if stop is not None and self._read_to.number < stop:
            self._read_to = Position(stop, self._read_to.resume)
            self._store()

    def _holding(self) -> bool:
        stop = self._flow.stop_number
        return stop is not None and self._stored.number >= stop

    def _ending(self) -> bool:
        return self._stop.is_set() or self._flow.wish == "stop"

    def _beat(self, *, whenever: bool = False) -> None:
        """Judge how far behind we are by the log's end as it was before the last reading; hear what is wanted; look again.

        Not more often than needed: looking at the end of a log may write to it.
        """
        now = time.monotonic()
        often = _HOLDING if self._flow.stop_number is not None else _BEAT_EVERY
        if not whenever and self._beaten and now - self._beaten < often:
            return
        self._beaten = now
        head = self._source.head().number if self._head is None else self._head
        if now - self._retained_at >= _RETAINED_EVERY and self._flow.stop_number is None:
            self._retained, self._retained_at = self._source.retained(), now
        self._flow = self._sink.beat(
            head=head, pending=len(self._batch), lag=self._lag(head), retained=self._retained
        )
        self._caught_up = self._read_to.number >= head
        self._head = self._source.head().number if self._caught_up else head
        measure(self._key, self._flow)

    def _lag(self, head: int) -> float:
        """Seconds since the oldest change not applied was committed, as far as we have seen it."""
        now = self._clock()
        if self._read_to.number >= head:
            self._behind_since = None
            return 0.0
        told: Iterator[datetime] = (each.committed_at for each in self._batch if each.changes)
        oldest = next(told, None)
        if oldest is None:
            self._behind_since = oldest = self._behind_since or now
        return max(0.0, (now - oldest).total_seconds())
