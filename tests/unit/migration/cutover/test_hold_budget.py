"""The budget of a hold: counted only while clients wait, three quarters for the steps, the rest for flip or undoing."""

import pytest

from caravan.migration.cutover.errors import HoldBudgetError
from caravan.migration.cutover.hold_budget import HoldBudget


def test_only_what_clients_wait_counts() -> None:
    now = [0.0]
    budget = HoldBudget(1.0, lambda: now[0])
    now[0] = 50.0
    assert budget.left("preflight") > 1
    budget.begin()
    now[0] += 0.5
    assert budget.left("apply") == pytest.approx(0.25)
    now[0] += 0.25
    with pytest.raises(HoldBudgetError, match="before the step 'verify'"):
        budget.left("verify")
    now[0] += 0.1
    budget.end()
    assert budget.held_for == pytest.approx(0.85)
    assert budget.left("settle") > 1


def test_an_end_without_a_hold_tells_no_time() -> None:
    budget = HoldBudget(1.0)
    budget.end()
    assert budget.held_for is None
