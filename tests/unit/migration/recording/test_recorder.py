"""A live stream is recorded without ever waiting: bounded, dropping, counted."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from caravan.migration.exchange import Exchange
from caravan.migration.recording import (
    Counts,
    Recorder,
    Recording,
    RedactingWriter,
    record_stream,
)
from tests.fixtures.own_copy import own_copy

Made = Callable[..., Exchange]


class HeldWriter(RedactingWriter):
    """Writes only once it is let."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(recording)
        self.let = threading.Event()
        self.begun = threading.Event()

    def write(self, exchange: Exchange) -> None:
        self.begun.set()
        assert self.let.wait(20)
        super().write(exchange)


def test_what_is_offered_is_recorded(recording: Recording, made: Made) -> None:
    with Recorder(RedactingWriter(recording)) as recorder:
        assert all(recorder.offer(made(f"/items/{number}")) for number in range(50))
    assert recorder.counts == Counts(offered=50, recorded=50)
    assert len(list(recording.read())) == 50


def test_a_full_queue_drops_and_counts_at_once(recording: Recording, made: Made) -> None:
    writer = HeldWriter(recording)
    recorder = Recorder(writer, capacity=10)
    assert recorder.offer(made("/first"))
    assert writer.begun.wait(20)  # the first is in the writer's hands, ten fit in the queue
    kept = [recorder.offer(made(f"/items/{number}")) for number in range(25)]
    assert kept == [True] * 10 + [False] * 15
    writer.let.set()
    assert recorder.close() == Counts(offered=26, recorded=11, dropped=15)
    assert len(list(recording.read())) == 11


def test_bytes_bound_the_queue_too(recording: Recording, made: Made) -> None:
    writer = HeldWriter(recording)
    recorder = Recorder(writer, capacity_bytes=10_000)
    recorder.offer(made())
    assert writer.begun.wait(20)
    assert recorder.offer(made(answer=b"x" * 8_000, kind="text/plain"))
    assert not recorder.offer(made(answer=b"x" * 8_000, kind="text/plain"))
    writer.let.set()
    assert recorder.close().dropped == 1


def test_one_that_cannot_be_written_is_counted_and_the_rest_goes_on(recording: Recording, made: Made) -> None:
    with Recorder(RedactingWriter(recording)) as recorder:
        recorder.offer(made("/half\ud800"))
        recorder.offer(made("/whole"))
    assert recorder.counts == Counts(offered=2, recorded=1, failed=1)


def test_a_disk_that_takes_nothing_is_counted_and_stops_nobody(
    recording: Recording, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    writer = RedactingWriter(recording)
    monkeypatch.setattr("caravan.migration.recording.segments.os", own_copy(os, open=full))
    with Recorder(writer) as recorder:
        for number in range(3):
            recorder.offer(made(f"/items/{number}"))
    assert recorder.counts == Counts(offered=3, recorded=0, failed=3)


def test_after_the_end_nothing_is_taken(recording: Recording, made: Made) -> None:
    recorder = Recorder(RedactingWriter(recording))
    recorder.close()
    assert not recorder.offer(made())
    assert recorder.counts == Counts(offered=1, dropped=1)


def test_a_stream_is_recorded_to_its_end(tmp_path: Path, made: Made) -> None:
    async def tap() -> AsyncIterator[Exchange]:
        for number in range(7):
            yield made(f"/items/{number}")

    recording = Recording(tmp_path / "tapped")
    with Recorder(RedactingWriter(recording)) as recorder:
        counts = asyncio.run(record_stream(tap(), recorder))
    assert counts.offered == 7
    assert recorder.counts.recorded == 7
