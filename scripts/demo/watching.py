"""What the demonstration reads off an overview."""

import time

from caravan.migration.conductor import Overview
from scripts.demo.running import Migration

__all__ = ["is_open", "judged_and_bound"]


def is_open(migration: Migration, target: str) -> bool:
    """Whether the way there is open by now."""
    time.sleep(0.25)
    unit = migration.seen().unit(migration.unit)
    return unit is not None and any(way.target == target and way.open for way in unit.ways)


def judged_and_bound(seen: Overview) -> tuple[int, float, list[str]]:
    """Return how many requests were compared, the largest share a defect could have had unseen, and what is reported."""
    covered = [route.coverage for route in seen.routes if route.coverage]
    reported = [f"{one.cause} ({one.members[0].path})" for one in seen.differences if one.reported]
    return sum(each.judged for each in covered), max((each.bound for each in covered), default=1.0), reported
