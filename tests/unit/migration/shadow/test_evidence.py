"""The guarantee, and the simulated figures it was chosen for, with fixed seeds."""

# ruff: noqa: S311 - seeded draws; documents of any shape

import math
import random
import statistics
from itertools import combinations

import pytest

from bench.diffy_rule import diffy_alarms_ever, diffy_reports
from caravan.migration.shadow.evidence import Evidence, log_mixture, separation_factor, share_of_alpha


def averaged(a: int, b: int) -> float:
    """2^(a+b) p^a (1-p)^b averaged over p = sin²(t), t even on [0, π/2]: that is Beta(½, ½)."""
    steps = 2_000
    points = ((step + 0.5) / steps * math.pi / 2 for step in range(steps))
    return sum((2 * math.sin(t) ** 2) ** a * (2 * math.cos(t) ** 2) ** b for t in points) / steps


@pytest.mark.parametrize(("a", "b"), [(0, 0), (1, 0), (0, 3), (5, 2), (12, 0), (20, 20)])
def test_e_is_the_likelihood_ratio_averaged_over_the_prior(a: int, b: int) -> None:
    assert math.exp(log_mixture(a, b)) == pytest.approx(averaged(a, b), rel=1e-6)


def test_e_is_a_fair_game_when_new_is_another_copy_of_old() -> None:
    for a in range(30):
        for b in range(30):
            after = (math.exp(log_mixture(a + 1, b)) + math.exp(log_mixture(a, b + 1))) / 2
            assert after == pytest.approx(math.exp(log_mixture(a, b)))


def test_the_shares_of_alpha_add_up_to_alpha() -> None:
    total = sum(share_of_alpha(0.01, place) for place in range(1, 100_000))
    assert 0.01 * 0.9999 < total < 0.01


def test_at_most_67_of_1000_innocent_runs_are_ever_reported_at_5_percent() -> None:
    noise = random.Random(1)
    alarms = 0
    for _ in range(1_000):
        evidence = Evidence(1)
        # The first spot has 6/π² of alpha: ask for so much that its own share is 5 %.
        alpha = 0.05 * math.pi**2 / 6
        alarms += any(_look(evidence, noise, 0.3, alpha) for _ in range(1_000))
    assert 0 < alarms <= 67


def _look(evidence: Evidence, noise: random.Random, rate: float, alpha: float) -> bool:
    new, again = noise.random() < rate, noise.random() < rate
    if new == again:
        return False
    evidence.count(new_differs=new)
    return evidence.settle(alpha)


def test_a_field_broken_on_every_request_is_found_through_its_own_noise() -> None:
    def requests_needed(noise_rate: float, seed: int) -> int:
        noise, evidence, requests = random.Random(seed), Evidence(1), 0
        while not evidence.reported:
            requests += 1
            if noise.random() >= noise_rate:
                evidence.count(new_differs=True)
                evidence.settle(0.01)
        return requests

    at_90 = statistics.median(requests_needed(0.90, seed) for seed in range(400))
    at_99 = statistics.median(requests_needed(0.99, seed) for seed in range(400))
    assert at_90 == pytest.approx(97, abs=8)
    assert at_99 == pytest.approx(964, abs=60)


@pytest.mark.parametrize("noise_rate", [0.001, 0.01])
def test_thresholds_raise_false_alarms_where_the_test_does_not(noise_rate: float) -> None:
    runs = 300
    thresholds = sum(diffy_alarms_ever(noise_rate, 10_000, random.Random(seed)) for seed in range(runs))
    noise = random.Random(7)
    ours = sum(_ever(noise, noise_rate, 10_000) for _ in range(runs))
    assert thresholds / runs > 0.5
    assert ours / runs <= 0.01


def _ever(noise: random.Random, rate: float, requests: int) -> bool:
    """The discordant requests of a run alone, each a fair coin; so many as there would be."""
    evidence = Evidence(1)
    discordant = round(requests * 2 * rate * (1 - rate))
    return any(_coin(evidence, noise) for _ in range(discordant))


def _coin(evidence: Evidence, noise: random.Random) -> bool:
    evidence.count(new_differs=noise.random() < 0.5)
    return evidence.settle(0.01)


def test_thresholds_never_see_a_broken_field_beyond_two_thirds_of_noise() -> None:
    assert not any(diffy_reports(total, round(total * 0.67), total) for total in range(100, 100_000, 100))
    assert diffy_reports(10_000, 6_600, 10_000)


@pytest.mark.parametrize("times", [2, 3])
def test_at_most_two_ways_of_calling_half_of_the_answers_new_separate_them(times: int) -> None:
    """Whatever 2k answers hold, over all ways to call half of them new the factor averages to at most 1."""
    places = range(2 * times)
    for values in ([0] * times + [1] * times, [0, 1] * times, [0] * (2 * times), list(places)):
        ways = list(combinations(places, times))
        factors = [
            separation_factor(times, separated=_separates(values, set(way), set(places) - set(way)))
            for way in ways
        ]
        assert statistics.mean(factors) <= 1 + 1e-12


def _separates(values: list[int], new: set[int], old: set[int]) -> bool:
    first, other = {values[place] for place in new}, {values[place] for place in old}
    return len(first) == len(other) == 1 and first != other


def test_eight_answers_of_each_side_that_separate_are_worth_more_than_3000() -> None:
    assert separation_factor(8, separated=True) == pytest.approx(0.5 + math.comb(16, 8) / 4)
    assert separation_factor(8, separated=False) == 0.5


def test_old_against_itself_is_never_reported() -> None:
    evidence = Evidence(1)
    for _ in range(200):
        evidence.count(new_differs=False)
        assert not evidence.settle(0.01)
    assert evidence.log_e > math.log(1e6)
