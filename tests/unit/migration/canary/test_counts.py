"""An innocent canary is hardly ever rolled back, a harmed one is soon."""

# ruff: noqa: S311 - seeded draws

import json
import math
import random
from functools import cache

import pytest

from caravan.migration.canary.cohort_keys import CohortKeys
from caravan.migration.canary.counts import EventSplit, log_bayes_factor
from caravan.migration.canary.sample_ratio import SampleRatio

SHARE = 0.1


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_factor_is_a_fair_game_at_the_share_and_a_losing_one_below(share: float) -> None:
    for canary, baseline in [(0, 0), (1, 0), (0, 5), (3, 20), (40, 100)]:
        now = math.exp(log_bayes_factor(canary, baseline, share))
        one = math.exp(log_bayes_factor(canary + 1, baseline, share))
        other = math.exp(log_bayes_factor(canary, baseline + 1, share))
        assert share * one + (1 - share) * other == pytest.approx(now)
        assert share / 2 * one + (1 - share / 2) * other <= now * (1 + 1e-9)


@cache
def alarm_from(events: int, alpha: float) -> int:
    """The fewest events in the canary, of so many, that roll back; one more than all when none do."""
    low, high = 0, events + 1
    while low < high:
        middle = (low + high) // 2
        if log_bayes_factor(middle, events - middle, SHARE) >= -math.log(alpha):
            high = middle
        else:
            low = middle + 1
    return low


def ever_alarms(sides: list[bool], alpha: float) -> bool:
    canary = 0
    for events, in_canary in enumerate(sides, 1):
        canary += in_canary
        if canary >= alarm_from(events, alpha):
            return True
    return False


def test_at_most_67_of_1000_innocent_canaries_are_ever_rolled_back_at_5_percent() -> None:
    mixed = random.Random(1)
    alarms = sum(ever_alarms([mixed.random() < SHARE for _ in range(400)], 0.05) for _ in range(1_000))
    assert 0 < alarms <= 67


def sticky_run(mixed: random.Random) -> tuple[list[bool], list[bool]]:
    """Events by side, of requests and of keys: 2 % of 1,500 clients fail, each in one burst of 20 to 100."""
    requests: list[tuple[float, bool]] = []
    keys: list[tuple[float, bool]] = []
    for _ in range(1_500):
        in_canary = mixed.random() < SHARE
        if mixed.random() < 0.02:
            start = mixed.random()
            moments = sorted(start + 0.05 * mixed.random() for _ in range(mixed.randint(20, 100)))
            requests += [(moment, in_canary) for moment in moments]
            keys.append((moments[0], in_canary))
    return [side for _, side in sorted(requests)], [side for _, side in sorted(keys)]


def test_under_sticky_cohorts_requests_deceive_and_keys_do_not() -> None:
    mixed = random.Random(2)
    runs = [sticky_run(mixed) for _ in range(300)]
    singly = sum(ever_alarms(requests, 0.01) for requests, _ in runs) / len(runs)
    by_key = sum(ever_alarms(keys, 0.01) for _, keys in runs) / len(runs)
    assert singly > 0.3
    assert by_key <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / len(runs))


def test_a_harmed_canary_is_found_after_a_few_dozen_events() -> None:
    mixed = random.Random(3)
    # Five times the rate in a tenth of the traffic: 0.5/1.4 of all events are the canary's.
    needed = []
    for _ in range(100):
        split = EventSplit(SHARE)
        while not split.harmed(0.01):
            split.take(in_canary=mixed.random() < 0.5 / 1.4)
        needed.append(split.canary + split.baseline)
    assert sorted(needed)[50] < 40


def test_for_what_the_business_wants_fewer_is_harm() -> None:
    orders = EventSplit(0.5, fewer_is_worse=True, canary=60, baseline=140)
    assert orders.harmed(0.01)
    assert not EventSplit(0.5, fewer_is_worse=True, canary=140, baseline=60).harmed(0.01)
    assert not EventSplit(0.5, canary=60, baseline=140).harmed(0.01)
    assert EventSplit.from_json(json.loads(json.dumps(orders.to_json()))) == orders


def test_a_key_counts_once_per_metric() -> None:
    keys = CohortKeys()
    assert [keys.first("errors", key) for key in ("a", "b", "a")] == [True, True, False]
    assert keys.first("mismatches", "a")
    again = CohortKeys.from_json(json.loads(json.dumps(keys.to_json())))
    assert [again.first("errors", key) for key in ("a", "c")] == [False, True]


def test_the_declared_split_is_hardly_ever_doubted_and_another_one_is_seen() -> None:
    mixed = random.Random(4)

    def doubted(share: float, keys: int) -> bool:
        ratio = SampleRatio(SHARE)
        for _ in range(keys):
            ratio.take(in_canary=mixed.random() < share)
            if ratio.mismatched(0.05):
                return True
        return False

    assert sum(doubted(0.10, 2_000) for _ in range(100)) <= 10
    assert all(doubted(0.13, 20_000) for _ in range(10))
    assert all(doubted(0.08, 20_000) for _ in range(10))
