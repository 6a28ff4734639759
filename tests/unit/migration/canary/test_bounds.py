"""Bounds that hold at every moment at once: of rates and of quantiles."""

# ruff: noqa: S311 - seeded draws

import json
import math
import random
from itertools import pairwise

import pytest

from caravan.migration.canary.beta import log_likelihood
from caravan.migration.canary.description import describe
from caravan.migration.canary.latency_sketch import LatencySketch
from caravan.migration.canary.quantile_bands import TUNED_FOR, quantile_band, ranks
from caravan.migration.canary.upper_bound import _log_mixed, lower_rate, upper_rate


def test_about_3300_keys_without_an_event_show_a_rate_below_a_thousandth() -> None:
    assert upper_rate(0, 3_300, 0.05) < 0.001 < upper_rate(0, 3_000, 0.05)
    assert upper_rate(0, 0, 0.05) == 1


@pytest.mark.parametrize(
    ("events", "keys"), [(0, 500), (1, 5_000), (50, 10_000), (900, 1_000), (1_000, 1_000)]
)
def test_the_bounds_enclose_what_was_seen_and_close_in(events: int, keys: int) -> None:
    low, high = lower_rate(events, keys, 0.05), upper_rate(events, keys, 0.05)
    assert low <= events / keys <= high
    assert upper_rate(events, keys, 0.01) >= high
    assert lower_rate(events, keys, 0.01) <= low
    if events < keys:
        assert upper_rate(events * 10, keys * 10, 0.05) < high


@pytest.mark.parametrize("rate", [0.001, 0.02])
def test_the_true_rate_is_hardly_ever_thrown_out_at_any_look(rate: float) -> None:
    mixed = random.Random(5)
    thrown = 0
    for _ in range(200):
        events = 0
        for keys in range(100, 6_001, 100):
            events += sum(mixed.random() < rate for _ in range(100))
            if _log_mixed(events, keys - events, 0.001) + math.log(0.05) >= log_likelihood(
                events, keys - events, rate
            ):
                thrown += 1
                break
    assert thrown <= 10 + 3 * math.sqrt(200 * 0.05 * 0.95)


def test_the_order_statistics_close_in_on_the_quantile() -> None:
    widths = []
    for count in (500, 5_000, 50_000):
        low, high = ranks(count, 0.95, 0.01)
        assert low < 0.95 * count < high <= count
        widths.append((high - low) / count)
    assert widths == sorted(widths, reverse=True)
    assert ranks(20, 0.95, 0.01)[1] == 21, "twenty values say nothing about how slow it can be"
    assert ranks(0, 0.5, 0.01) == (0, 1)


def sketch_of(values: list[float]) -> LatencySketch:
    sketch = LatencySketch()
    for value in values:
        sketch.take(value)
    return sketch


def test_the_band_hardly_ever_loses_the_quantile_at_any_look() -> None:
    mixed = random.Random(6)
    true = math.exp(-2 + 0.5 * 1.6448536)
    lost = 0
    for _ in range(150):
        sketch = LatencySketch()
        for _ in range(30):
            for _ in range(60):
                sketch.take(mixed.lognormvariate(-2, 0.5))
            band = quantile_band(sketch, 0.95, 0.025)
            if not band.low <= true <= band.high:
                lost += 1
                break
    assert lost <= 0.05 * 150 + 3 * math.sqrt(150 * 0.05 * 0.95)


def test_a_band_made_for_few_keys_is_tighter_there_and_wider_at_many() -> None:
    def width(count: int, tuned_for: int) -> int:
        low, high = ranks(count, 0.95, 0.01, tuned_for)
        return high - low

    assert width(300, 200) < width(300, 5_000)
    assert width(50_000, 5_000) < width(50_000, 200)
    assert width(1_000, 1_000) == width(1_000, TUNED_FOR), "the default is what it was"


def test_values_that_are_all_the_same_keep_the_band_on_them() -> None:
    band = quantile_band(sketch_of([0.2] * 1_000), 0.95, 0.01)
    assert band.low <= 0.2 <= band.high
    assert band.high / band.low == pytest.approx(1.01)


def test_a_sketch_knows_ranks_up_to_one_per_cent_and_survives_json() -> None:
    mixed = random.Random(7)
    values = sorted(mixed.lognormvariate(-2, 1) for _ in range(999))
    sketch = sketch_of(values)
    again = LatencySketch.from_json(json.loads(json.dumps(sketch.to_json())))
    assert again == sketch
    for rank in (1, 10, 500, 999):
        low, high = again.ranked(rank)
        assert low <= values[rank - 1] <= high * (1 + 1e-12)
    assert again.ranked(1_000) == (math.inf, math.inf)
    edges = [again.ranked(rank)[1] for rank in range(1, 1_000)]
    assert all(first <= second for first, second in pairwise(edges))


def test_a_description_counts_pairs() -> None:
    here, there = [0.1, 0.2, 0.3, 0.2], [0.1, 0.2, 0.5]
    said = describe(sketch_of(here), sketch_of(there))
    assert said is not None
    wins = sum((x > y) - (x < y) for x in here for y in there)
    assert said.delta == pytest.approx(wins / 12)
    assert 0 < said.p_value <= 1
    assert "decides nothing" in said.label
    assert describe(sketch_of(here), LatencySketch()) is None
