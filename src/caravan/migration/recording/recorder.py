"""Takes exchanges from a live stream without ever making it wait: bounded, dropping, counted."""

import threading
import time
from collections import deque
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Self

import structlog

from caravan.migration.exchange import Exchange
from caravan.migration.recording.redacting_writer import RedactingWriter

__all__ = ["Counts", "Recorder", "record_stream"]

_FLUSH_SECONDS: Final = 1.0
_OVERHEAD: Final = 1024  # bytes an exchange weighs beside its bodies
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Counts:
    """offered = recorded + dropped + failed + still waiting. Failed: could not be redacted or written, and is not kept."""

    offered: int = 0
    recorded: int = 0
    dropped: int = 0
    failed: int = 0


class Recorder:
    """Hands exchanges to a thread that redacts and writes them; what finds the queue full is dropped."""

    def __init__(
        self, writer: RedactingWriter, *, capacity: int = 2_000, capacity_bytes: int = 64 * 1024 * 1024
    ) -> None:
        self._writer = writer
        self._capacity, self._capacity_bytes = capacity, capacity_bytes
        self._waiting: deque[tuple[Exchange, int]] = deque()
        self._bytes = 0
        self._counts = Counts()
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counts:
        """Consistent figures; what a full disk took after it was written to memory counts as failed."""
        with self._changed:
            lost = self._writer.lost
            return replace(
                self._counts, recorded=self._counts.recorded - lost, failed=self._counts.failed + lost
            )

    def offer(self, exchange: Exchange) -> bool:
        """Take the exchange if there is room; never waits for the disk."""
        size = _weight(exchange)
        with self._changed:
            fits = len(self._waiting) < self._capacity and self._bytes + size <= self._capacity_bytes
            kept = fits and not self._closing
            self._count(offered=1, dropped=0 if kept else 1)
            if kept:
                self._waiting.append((exchange, size))
                self._bytes += size
                self._changed.notify()
            return kept

    def close(self) -> Counts:
        """Write what is waiting, end, and return the final counts."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        return self.counts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        flushed = time.monotonic()
        while (exchange := self._take()) is not None or not self._done():
            if exchange is not None:
                self._write(exchange)
            if exchange is None or time.monotonic() - flushed > _FLUSH_SECONDS:
                self._guarded(self._writer.flush)
                flushed = time.monotonic()
        self._guarded(self._writer.close)

    def _take(self) -> Exchange | None:
        with self._changed:
            if not self._waiting and not self._closing:
                self._changed.wait(_FLUSH_SECONDS)
            if not self._waiting:
                return None
            exchange, size = self._waiting.popleft()
            self._bytes -= size
            return exchange

    def _done(self) -> bool:
        with self._changed:
            return self._closing and not self._waiting

    def _write(self, exchange: Exchange) -> None:
        try:
            self._writer.write(exchange)
        except OSError as error:
            _log.warning("recording_not_written", problem=error.strerror or str(error))
            with self._changed:
                self._count(recorded=1)  # and lost with its batch, which the writer counts
        except Exception as error:  # noqa: BLE001 - whatever one exchange does, the stream goes on and it is counted
            _log.warning("recording_failed", exchange=str(exchange.id), problem=type(error).__name__)
            with self._changed:
                self._count(failed=1)
        else:
            with self._changed:
                self._count(recorded=1)

    @staticmethod
    def _guarded(step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            _log.warning("recording_not_written", problem=error.strerror or str(error))

    def _count(self, *, offered: int = 0, recorded: int = 0, dropped: int = 0, failed: int = 0) -> None:
        before = self._counts
        self._counts = replace(
            before,
            offered=before.offered + offered,
            recorded=before.recorded + recorded,
            dropped=before.dropped + dropped,
            failed=before.failed + failed,
        )


async def record_stream(stream: AsyncIterable[Exchange], recorder: Recorder) -> Counts:
    """Offer everything that a tap gives, until it ends; returns the counts so far."""
    async for exchange in stream:
        recorder.offer(exchange)
    return recorder.counts


def _weight(exchange: Exchange) -> int:
    bodies = (exchange.request.body.content, exchange.answer.body.content)
    return _OVERHEAD + sum(len(body) for body in bodies if body is not None)
