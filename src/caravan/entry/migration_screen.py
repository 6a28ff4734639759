"""A migration with routes on one terminal screen of 80 columns: units, traffic of both sides, what is wrong, what remains."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

import psycopg
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from caravan.core.database import DatabaseAddress
from caravan.migration.conductor import Overview
from caravan.migration.console import Look, look
from caravan.migration.units import Scope, connected

__all__ = ["WIDTH", "as_json", "looks", "screen"]

WIDTH: Final = 80
_MOST: Final = 6
_CANARY: Final = 6
_MIGRATIONS: Final = "SELECT org_id, migration FROM engine.migrations ORDER BY migration, org_id"


def looks(address: DatabaseAddress) -> Iterator[Look]:
    """Look at every migration whose file has been read and has routes."""
    with connected(address, read_only=True) as connection:
        try:
            found = connection.execute(_MIGRATIONS.encode()).fetchall()
        except psycopg.errors.UndefinedTable:
            return
    for org, name in found:
        seen = look(address, Scope(org, name), None)
        if seen is not None and seen.seen.routes:
            yield seen


def as_json(one: Look) -> dict[str, Any]:
    """Return the overview and who holds the lease, as plain values."""
    lease = asdict(one.lease) if one.lease else None
    return {**asdict(one.seen), "lease": lease, "doing": [asdict(each) for each in one.doing]}


def screen(one: Look) -> RenderableType:
    """Draw it."""
    seen = one.seen
    head = Text(f"{seen.migration}  {seen.at:%H:%M:%S} UTC, last {seen.minutes:g} minutes", style="bold")
    return Group(head, _units(seen), _routes(seen), *_charts(one), *_rest(one), Text(""))


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), width=WIDTH, header_style="bold")
    for number, name in enumerate(columns):
        table.add_column(name, overflow="ellipsis", no_wrap=True, ratio=2 if number == 0 else 1)
    return table


def _units(seen: Overview) -> Table:
    table = _table("unit", "state", "new", "next", "missing")
    for unit in seen.units:
        way = next((each for each in unit.ways if not each.back), None)
        missing = sum(not check.passed for check in way.checks) if way else 0
        gate = "with data" if way and way.comes_with_data else "open" if way and way.open else f"{missing}"
        share = 1.0 if unit.state > _CANARY else unit.share
        state = f"{unit.at}{' held' if unit.hold else ''}{' CUT SHORT' if unit.interrupted else ''}"
        table.add_row(unit.name, state, f"{share:.0%}", way.target if way else "-", gate if way else "-")
    return table


def _routes(seen: Overview) -> Table:
    table = _table("route", "old/s", "new/s", "p95 old", "p95 new", "differ")
    busiest = sorted(seen.routes, key=lambda one: -(one.old.requests + one.new.requests))
    for one in busiest[:_MOST]:
        differ = "-" if one.mismatch_share is None else f"{one.mismatch_share:.2%}"
        old, new = one.old, one.new
        table.add_row(
            one.route, f"{old.per_second:.1f}", f"{new.per_second:.1f}", _ms(old.p95), _ms(new.p95), differ
        )
    return table


def _charts(one: Look) -> Iterator[Text]:
    for chart in one.charts:
        now = ", ".join(f"{line.side} {line.last}" for line in chart.lines).replace("both ", "")
        yield _line(f"{chart.title}: {now}")


def _rest(one: Look) -> Iterator[Text]:
    seen = one.seen
    conductor = "none" if seen.conductor is None else "alive" if seen.conductor.alive else "SILENT"
    behind = sum(gateway.behind for gateway in seen.gateways)
    lease = f"held by {one.lease.holder} since {one.lease.since:%H:%M:%S} UTC" if one.lease else "free"
    yield _line(
        f"conductor {conductor}; {len(seen.gateways)} gateways, {behind} behind table {seen.table_version}"
    )
    yield _line(f"lease {lease}")
    for doing in one.doing:
        yield _line(f"now: {doing.edge} of {doing.unit}, by {doing.by}", "yellow")
    for alert in seen.alerts:
        if alert.ended_at is None:
            yield _line(f"ALARM {alert.severity}: {alert.said}", "red")
    tasks = [task for task in seen.tasks if task.kind != "alert"]
    yield _line(f"{len(tasks)} tasks remain" if tasks else "nothing remains to be done")
    for task in tasks[:_MOST]:
        yield _line(f"- {f'{task.unit}: ' if task.unit else ''}{task.said}")


def _line(text: str, style: str = "") -> Text:
    line = Text(text, style=style, no_wrap=True, overflow="ellipsis")
    line.truncate(WIDTH, overflow="ellipsis")
    return line


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"
