"""Which events happen how often."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["Schedule", "schedule", "schedules"]

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Slots lie ``every`` apart, counted from the year 2000, so that every process names the same ones."""

    name: str
    every: timedelta
    event: str

    def slot(self, now: datetime) -> datetime:
        """Return the newest slot that is not later than ``now``."""
        return now - (now - _EPOCH) % self.every


_schedules: Final[dict[str, Schedule]] = {}


def schedule(name: str, *, every: timedelta, event: str) -> None:
    """Have an event (of no tenant, with payload ``{"due_at"}``) written in every slot; missed slots are not made up."""
    if every <= timedelta(0):
        raise ValueError(f"the schedule {name} needs a time between its slots")
    entry = Schedule(name, every, event)
    if _schedules.setdefault(name, entry) != entry:
        raise ValueError(f"there is another schedule {name}")


def schedules() -> tuple[Schedule, ...]:
    """Return all schedules of this process."""
    return tuple(_schedules.values())
