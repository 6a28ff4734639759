"""What a flow is said to do, and what is to be done when it failed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from caravan.migration.console.flow_views import FlowView
from caravan.migration.sync.errors import FlowHeldError
from caravan.migration.sync.flow_rows import Flow

NOW = datetime(2026, 5, 4, tzinfo=UTC)
FLOW = Flow(
    source="old",
    direction="forward",
    epoch=1,
    holder="carrier-1",
    mode="apply",
    wish="run",
    state="running",
    start_number=0,
    applied_number=7,
    applied_resume="",
    applied_at=None,
    head_number=7,
    head_at=NOW,
    stop_number=None,
    pending=0,
    lag_seconds=0.0,
    transactions=0,
    rows_applied=0,
    rows_passed=0,
    rows_refused=0,
    foreign_writes=0,
    heartbeat_at=NOW,
    error_code=None,
    error=None,
)


def view(flow: Flow, age: float = 1.0) -> FlowView:
    return FlowView(flow, flow.lag(NOW), age, ())


@pytest.mark.parametrize(
    ("flow", "age", "said"),
    [
        (FLOW, 1.0, "running"),
        (FLOW, 16.0, "silent"),
        (replace(FLOW, stop_number=9), 1.0, "holds"),
        (replace(FLOW, stop_number=9), 16.0, "silent"),
        (replace(FLOW, state="stopped"), 900.0, "stopped"),
        (replace(FLOW, state="failed"), 900.0, "failed"),
    ],
)
def test_a_flow_is_silent_only_while_it_says_that_it_runs(flow: Flow, age: float, said: str) -> None:
    assert view(flow, age).state == said


def test_an_error_of_ours_comes_with_what_to_do_and_a_foreign_one_without() -> None:
    assert view(replace(FLOW, error_code=FlowHeldError.code)).fix == FlowHeldError.fix
    assert view(replace(FLOW, error_code="OperationalError")).fix == ""
    assert view(FLOW).fix == ""
