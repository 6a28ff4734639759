"""A load waits while a figure of its source is above its limit, says so once, and goes on by itself."""

from collections.abc import Iterator

import pytest

from caravan.migration.load.errors import LoadInterruptedError
from caravan.migration.load.readers import SourceUnreadable
from caravan.migration.load.source_health import Figure, Health, measure_of
from caravan.migration.load.stop import StopSwitch


class Source:
    """Tells one figure after the other; a pause moves the clock on."""

    def __init__(self, *figures: float | Exception) -> None:
        self._figures: Iterator[float | Exception] = iter(figures)
        self.said: list[str] = []
        self.now = 10.0
        self.asked = 0

    def measure(self, figure: Figure) -> float:
        assert figure == "threads_running"
        self.asked += 1
        found = next(self._figures)
        if isinstance(found, Exception):
            raise found
        return found

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def health(self) -> Health:
        return Health(
            "shop", {"threads_running": 8}, self.measure, pause=self.pause, note=self.said.append, clock=lambda: self.now
        )  # fmt: skip


def test_a_busy_source_is_waited_for_and_told_once() -> None:
    source = Source(9, 20, SourceUnreadable("gone"), 8)
    source.health().wait()
    assert source.said == [
        "waiting: threads_running of shop is 9, above 8",
        "going on: shop is well again",
    ]
    assert source.now == 13


def test_it_is_measured_once_a_second_at_most() -> None:
    source = Source(1, 1)
    health = source.health()
    for _ in range(5):
        health.wait()
    assert source.asked == 1
    source.now += 1
    health.wait()
    assert source.asked == 2
    assert source.said == []


def test_whoever_asks_to_stop_is_heard_while_waiting() -> None:
    stop = StopSwitch()
    stop.ask()
    with pytest.raises(LoadInterruptedError):
        stop.pause(60)


def test_of_other_sources_nothing_is_measured() -> None:
    with pytest.raises(SourceUnreadable, match="pause_above"):
        measure_of("mongodb://host/shop")
