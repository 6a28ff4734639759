"""Units as they are seen: which routes write the same tables, and so have to change sides together.

Whatever watches (see ``observing``: dry runs, triggers, a window of capture) gives uses: this request of this route did this to this table. Routes and
the tables they write form a graph; each connected part is a unit. Reads do not join: a route that only reads a table may go before
or after it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from caravan.migration.config import MigrationConfig
from caravan.migration.cutover.cuts import Cut, cuts_of
from caravan.migration.cutover.errors import UnitsSplitError
from caravan.migration.shadow.row_effects import RowEffect

__all__ = ["ObservedUnit", "ObservedUnits", "Operation", "Split", "Use", "units_of_uses", "uses_of"]

NOBODY: Final = "routes of no unit"

Operation: TypeAlias = Literal["read", "insert", "update", "delete", "write"]
"""``write`` is an insert or an update, where a log does not tell them apart."""


@dataclass(frozen=True, slots=True)
class Use:
    """``route`` is ``METHOD /template``; the same request may use a table in several ways."""

    request: str
    route: str
    table: str
    operation: Operation

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Use":
        return cls(str(given["request"]), str(given["route"]), str(given["table"]), given["operation"])


@dataclass(frozen=True, slots=True)
class ObservedUnit:
    """One connected part: its routes, the tables they write, and those they only read, with how many requests were seen."""

    routes: tuple[str, ...]
    tables: tuple[str, ...]
    only_read: tuple[str, ...]
    requests: int
    declared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Declared units that write the same tables, with routes of each, and the ways to cut them apart."""

    units: tuple[str, ...]
    tables: Mapping[str, tuple[str, ...]]
    cuts: tuple[Cut, ...]


@dataclass(frozen=True, slots=True)
class ObservedUnits:
    """``undeclared`` are writing routes of no unit; ``unseen`` declared routes with effect write that nobody has seen writing."""

    units: tuple[ObservedUnit, ...]
    splits: tuple[Split, ...]
    undeclared: tuple[str, ...]
    unseen: tuple[str, ...]

    def refuse_splits(self) -> None:
        """Raise ``UnitsSplitError`` when declared units write the same tables."""
        if self.splits:
            raise UnitsSplitError(
                "; ".join(
                    f"{' and '.join(split.units)} both write {', '.join(split.tables)}"
                    for split in self.splits
                )
            )

    def told(self) -> Iterator[str]:
        """Yield the report's lines for people."""
        for number, unit in enumerate(self.units, start=1):
            declared = ", ".join(unit.declared) or "no unit"
            yield f"{number}. {len(unit.routes)} routes, {unit.requests} requests; declared as {declared}"
            yield from (f"     {route}" for route in unit.routes)
            yield f"   write {', '.join(unit.tables)}"
            if unit.only_read:
                yield f"   read {', '.join(unit.only_read)}"
        for split in self.splits:
            yield f"REFUSED: {' and '.join(split.units)} write the same tables"
            yield from (f"     {table}: {', '.join(routes)}" for table, routes in split.tables.items())
            yield from (f"   {cut.kind}: {cut.said}" for cut in split.cuts)
        yield from (f"writes and is of no unit: {route}" for route in self.undeclared)
        yield from (f"declared as write, not seen writing: {route}" for route in self.unseen)


def uses_of(request: str, route: str, effects: Iterable[RowEffect]) -> Iterator[Use]:
    """Yield the uses that a dry run's row effects tell."""
    for table, operation in dict.fromkeys((effect.table, effect.operation) for effect in effects):
        yield Use(request, route, table, operation)


def units_of_uses(config: MigrationConfig, uses: Iterable[Use]) -> ObservedUnits:
    """Build the graph and hold it against what the file declares."""
    seen = list(uses)
    writes = _by_route(use for use in seen if use.operation != "read")
    reads = _by_route(use for use in seen if use.operation == "read")
    declared = {
        f"{method} {route.template}": route.unit for route in config.routes for method in route.methods
    }
    requests: dict[str, set[str]] = defaultdict(set)
    for use in seen:
        requests[use.route].add(use.request)
    parts = [_part(part, writes, reads, requests, declared) for part in _connected(writes)]
    splits = [_split(part, writes, declared, seen) for part in parts if len(part.declared) > 1]
    expected = {
        f"{method} {route.template}"
        for route in config.routes
        if route.effect == "write" and route.unit is not None
        for method in route.methods
    }
    return ObservedUnits(
        tuple(parts),
        tuple(splits),
        tuple(sorted(route for route in writes if declared.get(route) is None)),
        tuple(sorted(expected - writes.keys())),
    )


def _by_route(uses: Iterable[Use]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for use in uses:
        found[use.route].add(use.table)
    return dict(found)


def _connected(writes: Mapping[str, set[str]]) -> list[set[str]]:
    """Return the sets of routes that a shared table, or a chain of them, joins; the greatest first."""
    parent = {route: route for route in writes}

    def root(route: str) -> str:
        while parent[route] != route:
            parent[route] = parent[parent[route]]
            route = parent[route]
        return route

    first: dict[str, str] = {}
    for route in sorted(writes):
        for table in sorted(writes[route]):
            if table in first:
                parent[root(route)] = root(first[table])
            first.setdefault(table, route)
    parts: dict[str, set[str]] = defaultdict(set)
    for route in writes:
        parts[root(route)].add(route)
    return sorted(parts.values(), key=lambda part: (-len(part), sorted(part)))


def _part(
    routes: set[str],
    writes: Mapping[str, set[str]],
    reads: Mapping[str, set[str]],
    requests: Mapping[str, set[str]],
    declared: Mapping[str, str | None],
) -> ObservedUnit:
    tables = set().union(*(writes[route] for route in routes))
    read = set().union(*(reads.get(route, set()) for route in routes)) - tables
    units = {unit for route in routes if (unit := declared.get(route)) is not None}
    seen = set().union(*(requests[route] for route in routes))
    return ObservedUnit(
        tuple(sorted(routes)), tuple(sorted(tables)), tuple(sorted(read)), len(seen), tuple(sorted(units))
    )


def _split(
    part: ObservedUnit,
    writes: Mapping[str, set[str]],
    declared: Mapping[str, str | None],
    uses: Sequence[Use],
) -> Split:
    """Name the tables that join the declared units, by routes of several of them or of nobody's."""

    def owner(route: str) -> str:
        return declared.get(route) or NOBODY

    shared: dict[str, tuple[str, ...]] = {}
    for table in part.tables:
        routes = [route for route in part.routes if table in writes[route]]
        if len({owner(route) for route in routes}) > 1:
            shared[table] = tuple(routes)
    requests: dict[str, dict[str, set[str]]] = {table: defaultdict(set) for table in shared}
    operations: dict[str, dict[str, set[str]]] = {table: defaultdict(set) for table in shared}
    for use in uses:
        if use.table in shared and use.operation != "read":
            requests[use.table][owner(use.route)].add(use.request)
            operations[use.table][owner(use.route)].add(use.operation)
    shares = {
        table: {unit: len(seen) for unit, seen in by_unit.items()} for table, by_unit in requests.items()
    }
    return Split(part.declared, shared, tuple(cuts_of(shares, operations)))
