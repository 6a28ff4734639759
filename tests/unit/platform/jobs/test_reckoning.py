"""The reckoning of random histories sees each way in which a job can go wrong."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.fixtures.job_histories import wrong

JOB = uuid4()
GOOD: dict[str, Any] = {
    "id": JOB,
    "number": 1,
    "state": "completed",
    "reason": "exit",
    "ended_at": datetime(2026, 1, 1, tzinfo=UTC),
}


def reckoned(code: int = 0, *, cancelled: bool = False, runs: int = 1, **changes: object) -> list[str]:
    starts: Counter[UUID] = Counter({JOB: runs})
    return wrong({1: {"code": code, "cancelled": cancelled}}, [GOOD | changes], starts)


def test_what_went_well_is_not_complained_of() -> None:
    assert reckoned() == []
    assert reckoned(3, state="failed") == []
    assert reckoned(state="failed", reason="worker_lost") == []
    assert reckoned(cancelled=True, state="cancelled", runs=0) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"state": "running"}, "1 is stuck: running"),
        ({"ended_at": None}, "1 is stuck: completed"),
        ({"runs": 2}, "1 ran 2 times"),
        ({"cancelled": True}, "1 is completed, cancelled: True"),
        ({"state": "cancelled"}, "1 is cancelled, cancelled: False"),
        ({"state": "failed"}, "1 is failed with code 0 (exit)"),
        ({"runs": 0}, "1 completed without having run"),
    ],
)
def test_what_went_wrong_is_told(changes: dict[str, Any], told: str) -> None:
    assert reckoned(**changes) == [told]


def test_a_lost_job_is_told() -> None:
    assert wrong({1: {"code": 0, "cancelled": False}}, [], Counter()) == ["numbers [] instead of [1]"]
