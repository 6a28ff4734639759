"""Progress says where the load is, at a terminal and in a log."""

import io
from itertools import count
from pathlib import Path

import pytest

from caravan.migration.load import LineProgress, NoProgress, TerminalProgress, progress_for
from caravan.migration.load.readers import CollectionInfo

INFO = CollectionInfo("orders", "shop", (Path("orders.bson"),), 1000, 50)


def test_lines_come_every_few_seconds_with_rate_and_time_left() -> None:
    stream, seconds = io.StringIO(), count(step=2)
    progress = LineProgress(stream, lambda: float(next(seconds)))
    progress.begin("orders", INFO)
    progress.advance(100, (100, 1000))
    progress.advance(100, (200, 1000))
    progress.advance(100, (0, 0))
    progress.advance(100, (0, 0))
    progress.end()
    assert stream.getvalue().splitlines() == [
        "orders: loading, 50 records",
        "orders: 200 records (20 %), 50/s, 16 s left",
        "orders: 400 records, 50/s",
        "orders: 400 records in 10.0 s, 40/s",
    ]


def test_a_source_that_does_not_know_its_size_is_named_alone() -> None:
    stream = io.StringIO()
    LineProgress(stream).begin("orders", None)
    assert stream.getvalue() == "orders: loading\n"


def test_a_bar_follows_the_bytes_of_the_source() -> None:
    stream = io.StringIO()
    progress = TerminalProgress(stream)
    progress.advance(1, (1, 2))
    progress.begin("orders", INFO)
    progress.advance(500, (400, 1000))
    progress.end()
    progress.end()
    progress.begin("customers", None)
    progress.advance(1, (0, 0))
    progress.end()
    progress.note("verifying [all]")
    text = stream.getvalue()
    assert "orders" in text
    assert "500 records" in text
    assert "100 %" in text
    assert "verifying [all]" in text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_stream_decides_which_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(progress_for(Terminal()), TerminalProgress)
    assert isinstance(progress_for(io.StringIO()), LineProgress)
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert isinstance(progress_for(), LineProgress)


def test_silence_is_possible() -> None:
    progress = NoProgress()
    progress.begin("orders", INFO)
    progress.advance(1, (1, 2))
    progress.note("nothing")
    progress.end()
