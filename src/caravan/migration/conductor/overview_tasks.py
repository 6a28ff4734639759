"""What remains for people to do, read off an overview."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from caravan.migration.conductor.overview_types import Overview, TaskView, UnitView

__all__ = ["tasks_of"]

_SOON: Final = timedelta(days=7)
_SILENT: Final = 10.0


def tasks_of(seen: Overview) -> Iterator[TaskView]:
    """Yield tasks, the most urgent first."""
    for alert in seen.alerts:
        if alert.ended_at is None:
            yield TaskView("alert", alert.unit, alert.said, str(alert.id))
    for request in seen.requests:
        said = f"{request.by} asks to {request.action}; a second person has to agree"
        yield TaskView("approval", request.unit, said, str(request.id))
    yield from _processes(seen)
    for unit in seen.units:
        if unit.interrupted:
            said = (
                f"{unit.interrupted!r} was interrupted: advance to the same target to finish it, or go back"
            )
            yield TaskView("interrupted", unit.name, said)
    for difference in seen.differences:
        if difference.open:
            places = len(difference.members)
            said = f"{difference.cause} ({places} place{'s' if places > 1 else ''}): mend the new side, or accept it"
            yield TaskView("difference", difference.unit, said, difference.id)
    yield from _acceptances(seen)
    for unit in seen.units:
        yield from _next(unit)


def _processes(seen: Overview) -> Iterator[TaskView]:
    if seen.conductor is not None and not seen.conductor.alive:
        said = f"the conductor was last seen at {seen.conductor.seen_at:%Y-%m-%d %H:%M:%S} UTC; start `caravan run`"
        yield TaskView("conductor", None, said)
    for gateway in seen.gateways:
        if gateway.silent > _SILENT:
            said = f"the gateway process {gateway.name} is silent; if it is gone, `caravan gateway forget` it"
            yield TaskView("gateway", None, said, gateway.name)


def _acceptances(seen: Overview) -> Iterator[TaskView]:
    today = seen.at.date()
    for one in seen.accepted:
        if one.until <= today + _SOON:
            word = "has expired" if one.expired else "expires"
            said = f"{one.owner}'s acceptance of {one.path} on {one.route} {word} on {one.until}"
            yield TaskView("acceptance", None, said, None if one.id is None else str(one.id))


def _next(unit: UnitView) -> Iterator[TaskView]:
    if unit.hold is not None:
        yield TaskView("way", unit.name, f"held by {unit.hold.by}: {unit.hold.reason}")
    for way in unit.ways:
        if way.back or way.comes_with_data:
            continue
        if way.open:
            yield TaskView("way", unit.name, f"the way to {way.target} is open")
        for check in way.checks:
            if not check.passed and not way.open:
                said = f"to {way.target}: {check.name} is {check.measured}; needed: {check.needed}"
                yield TaskView("gate", unit.name, said)
