"""Alarms of flows: writes past whoever has the authority, lag, a log that fills the source's disk, a flow that nobody carries."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import psycopg

from caravan.migration.conductor.alerts import Alarm
from caravan.migration.config import MigrationConfig, Unit
from caravan.migration.sync.flow_rows import Flow, flows_of
from caravan.migration.units import Scope, StoredUnit
from caravan.migration.units.states import COMPLETE, SWITCHED, SYNCED

__all__ = ["ForeignWrite", "SeenFlows", "ailing", "flow_alarms", "flows_seen"]

SILENT_AFTER: Final = 15.0
"""Seconds. A process that carries a flow beats several times a second; one that is started anew is back by then."""

_DURING_SWITCH: Final = timedelta(minutes=5)
"""A flow begins to watch a moment before its unit is noted as switched: what it sees then counts too."""
_MEBIBYTE: Final = 1 << 20
_LAST: Final = """
SELECT collection, kind, key, committed_at, created_at FROM engine.foreign_writes
WHERE org_id = %(org)s AND migration = %(migration)s AND source = %(source)s AND direction = %(direction)s
ORDER BY number DESC, step DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class ForeignWrite:
    """The last write on a passive side that no flow of ours made; ``key`` is JSON."""

    collection: str
    kind: str
    key: str
    committed_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class SeenFlows:
    """The flows of a migration; ``foreign`` by source and direction, of those that only watch and have seen any."""

    flows: tuple[Flow, ...] = ()
    foreign: Mapping[tuple[str, str], ForeignWrite] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Need:
    """A flow that a unit needs where it is."""

    unit: str
    source: str
    direction: str


def flows_seen(connection: psycopg.Connection, scope: Scope) -> SeenFlows:
    """Read the flows as they are now."""
    flows = tuple(flows_of(connection, scope.parameters))
    foreign: dict[tuple[str, str], ForeignWrite] = {}
    for flow in flows:
        if flow.mode == "watch" and flow.foreign_writes:
            named = {**scope.parameters, "source": flow.source, "direction": flow.direction}
            row = connection.execute(_LAST.encode(), named).fetchone()
            if row is not None:
                foreign[flow.source, flow.direction] = ForeignWrite(*row)
    return SeenFlows(flows, foreign)


def flow_alarms(
    seen: SeenFlows, config: MigrationConfig, units: Mapping[str, StoredUnit], now: datetime
) -> Iterator[Alarm]:
    """Yield one alarm per cause. A unit needs the flow forward from synced on, and back once it is switched, until it is complete."""
    needs = list(_needs(config, units))
    there = _by_name(seen.flows)
    for need in needs:
        flow = there.get((need.source, need.direction))
        if flow is None:
            said = f"{need.unit}: the flow {need.source} {need.direction} is gone: somebody released it, and nothing keeps a copy current"
            yield Alarm(f"flow gone {need.source} {need.direction}", "critical", said, need.unit)
    for flow in seen.flows:
        unit = next(
            (need.unit for need in needs if (need.source, need.direction) == (flow.source, flow.direction)),
            None,
        )
        yield from _carried(flow, unit, now)
        if flow.state == "running" and _silence(flow, now) <= SILENT_AFTER:
            yield from _behind(flow, config, unit, now)
        yield from _retained(flow, config, unit)
        last = seen.foreign.get((flow.source, flow.direction))
        if last is not None:
            yield from _foreign(flow, last, config, units)


def ailing(
    seen: SeenFlows, config: MigrationConfig, units: Mapping[str, StoredUnit], now: datetime
) -> Mapping[tuple[str, str], bool]:
    """Return by source and direction whether a flow that a unit needs is carried by nobody, for the metrics."""
    there = _by_name(seen.flows)
    found = {}
    for need in _needs(config, units):
        flow = there.get((need.source, need.direction))
        found[need.source, need.direction] = (
            flow is None or flow.state == "failed" or _silence(flow, now) > SILENT_AFTER
        )
    return found


def _needs(config: MigrationConfig, units: Mapping[str, StoredUnit]) -> Iterator[_Need]:
    sources = {item.name: item.source for item in config.data_sets}
    for unit in config.units:
        stored = units.get(unit.name)
        state = stored.values.state if stored else 0
        if not SYNCED <= state < COMPLETE:
            continue
        for source in sorted({sources[name] for name in unit.data_sets}):
            yield _Need(unit.name, source, "forward")
            if state >= SWITCHED:
                yield _Need(unit.name, source, "reverse")


def _carried(flow: Flow, unit: str | None, now: datetime) -> Iterator[Alarm]:
    """One that failed is told always, one that ended or fell silent where a unit needs it."""
    name, silence = f"{flow.source} {flow.direction}", _silence(flow, now)
    about = f"{unit}: " if unit else ""
    severity: Final = "critical" if unit else "warning"
    if flow.state == "failed":
        said = f"{about}the flow {name} has failed: {flow.error_code}: {flow.error}"
        yield Alarm(f"flow failed {name}", severity, said, unit, {"code": flow.error_code})
    elif unit and silence > SILENT_AFTER:
        did = "was stopped" if flow.state == "stopped" else f"is carried by nobody, {flow.holder} is silent"
        said = (
            f"{about}the flow {name} {did}, for {silence:.0f} s: nothing is carried; start `caravan sync run`"
        )
        yield Alarm(f"flow stopped {name}", severity, said, unit)


def _behind(flow: Flow, config: MigrationConfig, unit: str | None, now: datetime) -> Iterator[Alarm]:
    """A flow that is held at a position, or only watches, is behind nothing that it should apply."""
    bound = config.gates.lag if config.alerts.lag is None else config.alerts.lag
    lag = flow.lag(now)
    if flow.mode == "apply" and flow.stop_number is None and lag.seconds > bound:
        name = f"{flow.source} {flow.direction}"
        said = f"the flow {name} is {lag.seconds:.1f} s behind, more than {bound:g} s"
        yield Alarm(f"flow lag {name}", "warning", said, unit, {"seconds": round(lag.seconds, 1)})


def _retained(flow: Flow, config: MigrationConfig, unit: str | None) -> Iterator[Alarm]:
    kept, bound = flow.retained_bytes, config.alerts.retained_mib * _MEBIBYTE
    if kept is not None and kept > bound:
        name = f"{flow.source} {flow.direction}"
        said = (
            f"the source of the flow {name} keeps {kept / _MEBIBYTE:,.0f} MiB of its log for it, more than"
            f" {config.alerts.retained_mib:g} MiB: its disk fills up until the flow goes on or is released"
        )
        yield Alarm(f"flow retained {name}", "critical", said, unit, {"bytes": kept})


def _foreign(
    flow: Flow, last: ForeignWrite, config: MigrationConfig, units: Mapping[str, StoredUnit]
) -> Iterator[Alarm]:
    """Told until the unit goes somewhere else: what was written there is not on the side that has the authority."""
    unit = _unit_of(flow.source, config)
    stored = units.get(unit.name) if unit else None
    if unit is not None and flow.direction == "reverse" and unit.writes == "cohort":
        return  # members of the canary write there, by declaration
    if stored is not None and last.seen_at < stored.entered_at - _DURING_SWITCH:
        return
    side = "old" if flow.direction == "forward" else "new"
    said = (
        f"somebody writes past us on the passive {side} side of {flow.source}, {flow.foreign_writes} writes so far, the last"
        f" {last.kind} of {last.collection} {last.key} at {last.committed_at:%H:%M:%S} UTC: it is not on the other side"
    )
    yield Alarm(
        f"foreign writes {flow.source} {side}",
        "critical",
        said,
        unit.name if unit else None,
        {"writes": flow.foreign_writes},
    )


def _by_name(flows: Iterable[Flow]) -> dict[tuple[str, str], Flow]:
    return {(flow.source, flow.direction): flow for flow in flows}


def _unit_of(source: str, config: MigrationConfig) -> Unit | None:
    names = {item.name for item in config.data_sets if item.source == source}
    return next((unit for unit in config.units if names & {*unit.data_sets}), None)


def _silence(flow: Flow, now: datetime) -> float:
    return (now - flow.heartbeat_at).total_seconds()
