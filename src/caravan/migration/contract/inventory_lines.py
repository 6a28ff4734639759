"""Who asks for what, how often, and what nobody asks for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from caravan.migration.contract.learning import Learnt
from caravan.migration.contract.model import Contract
from caravan.migration.contract.observations import RouteObservation

__all__ = ["Inventory", "InventoryLine", "inventory"]


@dataclass(frozen=True, slots=True)
class InventoryLine:
    """``clients`` is None when there were more than a thousand; seconds are None without times; ``sent`` in bytes."""

    route: str
    effect: str
    count: int
    statuses: Mapping[int, int]
    clients: int | None
    first: datetime | None
    last: datetime | None
    median_seconds: float | None
    p95_seconds: float | None
    sent: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """``dead`` routes are known and were not asked for; ``unknown`` requests belong to no route, by status."""

    lines: tuple[InventoryLine, ...]
    dead: tuple[str, ...]
    unknown: Mapping[int, int]
    failed: int


def inventory(learnt: Learnt, known: Contract | None = None) -> Inventory:
    """Return the inventory of what was learnt, most asked first; routes of ``known`` that were not seen are dead."""
    contract = known or learnt.contract
    lines = [
        _line(
            key,
            seen,
            contract.routes[key].effect if key in contract.routes else learnt.contract.routes[key].effect,
        )
        for key, seen in learnt.observations.items()
    ]
    routes = {**learnt.contract.routes, **contract.routes}
    return Inventory(
        lines=tuple(sorted(lines, key=lambda line: (-line.count, line.route))),
        dead=tuple(key for key in routes if key not in learnt.observations),
        unknown=Counter(learnt.unknown),
        failed=learnt.failed,
    )


def _line(key: str, seen: RouteObservation, effect: str) -> InventoryLine:
    return InventoryLine(
        route=key,
        effect=effect,
        count=seen.count,
        statuses={status: answer.count for status, answer in sorted(seen.answers.items())},
        clients=None if seen.clients is None else len(seen.clients),
        first=seen.first,
        last=seen.last,
        median_seconds=seen.quantile(0.5),
        p95_seconds=seen.quantile(0.95),
        sent=seen.sent,
    )
