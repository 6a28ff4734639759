"""Slots of schedules."""

from datetime import UTC, datetime, timedelta

import pytest

from caravan.core.schedules import schedule
from caravan.core.schedules.registry import Schedule, schedules

MOMENT = datetime(2026, 3, 4, 12, 34, 56, 789, tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "slot"),
    [
        (timedelta(minutes=15), datetime(2026, 3, 4, 12, 30, tzinfo=UTC)),
        (timedelta(hours=1), datetime(2026, 3, 4, 12, tzinfo=UTC)),
        (timedelta(days=1), datetime(2026, 3, 4, tzinfo=UTC)),
    ],
)
def test_a_slot_is_the_newest_whole_multiple(every: timedelta, slot: datetime) -> None:
    entry = Schedule("x", every, "y")
    assert entry.slot(MOMENT) == entry.slot(slot) == slot


def test_a_schedule_is_known_once_and_cannot_be_two_things() -> None:
    for _ in range(2):
        schedule("unit once", every=timedelta(hours=1), event="unit.tick")
    assert [entry.event for entry in schedules() if entry.name == "unit once"] == ["unit.tick"]
    with pytest.raises(ValueError, match="another schedule"):
        schedule("unit once", every=timedelta(hours=2), event="unit.tick")
    with pytest.raises(ValueError, match="time between"):
        schedule("unit never", every=timedelta(0), event="unit.tick")
