"""The numerics everything else stands on, against sums that can be done by hand."""

import math

import pytest

from caravan.migration.canary.beta import log_lower_tail, log_mixture, log_sum, log_upper_tail


def binomial_tail(trials: int, least: int, p: float) -> float:
    return math.fsum(
        math.comb(trials, hits) * p**hits * (1 - p) ** (trials - hits) for hits in range(least, trials + 1)
    )


@pytest.mark.parametrize(
    ("a", "b", "x"), [(1, 1, 0.3), (2, 5, 0.3), (5, 2, 0.9), (20, 80, 0.1), (20, 80, 0.4), (3, 400, 0.001)]
)
def test_the_incomplete_beta_function_is_a_binomial_tail(a: int, b: int, x: float) -> None:
    """For whole a and b, I_x(a, b) = P(Bin(a + b - 1, x) ≥ a): DLMF 8.17.5."""
    expected = binomial_tail(a + b - 1, a, x)
    assert math.exp(log_lower_tail(x, a, b)) == pytest.approx(expected, rel=1e-10)
    assert math.exp(log_upper_tail(x, a, b)) == pytest.approx(1 - expected, rel=1e-8)


def test_half_an_arc_sine() -> None:
    """I_x(½, ½) = 2/π · arcsin √x: DLMF 8.17.8 with the beta integral."""
    for x in (0.01, 0.2, 0.5, 0.77, 0.999):
        expected = 2 / math.pi * math.asin(math.sqrt(x))
        assert math.exp(log_lower_tail(x, 0.5, 0.5)) == pytest.approx(expected, rel=1e-9)


def test_far_tails_keep_their_logarithm() -> None:
    # P(Bin(5049, 0.1) ≥ 5000), all but its first term too small to see.
    first = math.log(math.comb(5_049, 5_000)) + 5_000 * math.log(0.1) + 49 * math.log(0.9)
    assert log_upper_tail(0.9, 50, 5_000) == pytest.approx(first, abs=0.01)
    assert log_lower_tail(0, 2, 2) == -math.inf
    assert log_lower_tail(1, 2, 2) == 0


def test_at_the_mode_both_sides_come_to_an_end() -> None:
    """There each of x and 1 - x may look as if it were beyond its mode, by rounding alone."""
    for tuned in range(100, 1_100, 100):
        for turn in range(1, 60):
            weight, count, below = tuned / 13.06, 20 * turn - 2, 19 * turn - 1
            a, b = 0.95 * weight + below, 0.05 * weight + count - below
            low, high = math.exp(log_lower_tail(0.95, a, b)), math.exp(log_upper_tail(0.95, a, b))
            assert low + high == pytest.approx(1, rel=1e-9)
    high = log_upper_tail(0.95, 489.811722173992, 24.83219590389433)
    assert math.exp(high) == pytest.approx(0.55, abs=0.1)


def test_a_uniform_mixture_spreads_evenly_over_counts() -> None:
    """With Beta(1, 1) each number of successes in n has the same chance, 1/(n + 1)."""
    assert log_mixture(3, 7, 1, 1) == pytest.approx(-math.log(11 * math.comb(10, 3)))
    assert log_sum(math.log(2), math.log(3), -math.inf) == pytest.approx(math.log(5))
