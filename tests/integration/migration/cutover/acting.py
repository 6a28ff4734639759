"""A world in memory for cutovers: two stores, flows, gateways and clients, which outlive the process that acts on them.

Every act of the product on it is a point at which the process may die, before and after. Clients write at every point: through the
gateways, and one stray writer straight into the old store, which meets the fence.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from caravan.core.errors import CaravanError
from caravan.migration.capture.changes import Position
from caravan.migration.cutover.parties import (
    DirtyCheck,
    Parties,
    Store,
    TableSums,
    Verified,
    Writer,
)
from caravan.migration.gateway.errors import NotConfirmedError
from caravan.migration.sync.flows import Lag
from caravan.migration.units import Publication, Scope, UnitValues

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Crash(BaseException):
    """The process is gone."""


class RefusedError(CaravanError):
    """What a store may say."""


@dataclass
class Side:
    """A store: how often each key was written, the log, and fences by transition."""

    name: str
    rows: dict[str, int] = field(default_factory=dict)
    log: list[tuple[str, bool]] = field(default_factory=list)
    fences: set[UUID] = field(default_factory=set)

    def write(self, key: str, *, ours: bool = False) -> None:
        if self.fences and not ours:
            raise RefusedError(f"{self.name} is fenced")
        self.rows[key] = self.rows.get(key, 0) + 1
        self.log.append((key, ours))


@dataclass
class World:
    old: Side = field(default_factory=lambda: Side("old"))
    new: Side = field(default_factory=lambda: Side("new"))
    table: UnitValues = field(default_factory=lambda: UnitValues(6, 1, 1.0, "s"))
    held: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    client_errors: list[str] = field(default_factory=list)
    points: int = 0
    crash_at: int | None = None
    names: list[str] = field(default_factory=list)
    clients: int = 0
    fail: dict[str, BaseException] = field(default_factory=dict)
    differing: Sequence[str] = ()
    other_writers: Sequence[Writer] = ()
    old_ones: list[Writer] = field(default_factory=list)
    quiet: bool = False
    outage: Callable[[], None] = lambda: None
    sides: dict[str, bool] = field(default_factory=lambda: {"old": True, "new": True})

    def __post_init__(self) -> None:
        self.forward = FakeFlow(self, "forward", self.old, self.new, state="running")
        self.reverse = FakeFlow(self, "reverse", self.new, self.old, state="watching")

    @property
    def authority(self) -> Side:
        return self.new if self.table.state >= 7 else self.old

    def point(self, name: str) -> None:
        """Live on for a moment; the process may die here, or the act fail."""
        self.live()
        self.points += 1
        self.names.append(name)
        if self.points == self.crash_at:
            raise Crash(name)

    def live(self) -> None:
        if not self.quiet:
            self.come()
        self.forward.carry()
        self.reverse.carry()

    def come(self) -> None:
        self.clients += 1
        key = f"c{self.clients}"
        if self.table.held:
            self.held.append(key)
        else:
            self.arrive(key)
        self.stray()

    def arrive(self, key: str) -> None:
        try:
            self.authority.write(key)
        except RefusedError:
            self.client_errors.append(key)
        else:
            self.acknowledged.append(key)

    def stray(self) -> None:
        """Write past the gateways, as a forgotten script does."""
        key = f"s{self.clients}"
        try:
            self.old.write(key)
        except RefusedError:
            return
        self.acknowledged.append(key)

    def follow(self, values: UnitValues) -> None:
        self.table = values
        if not values.held:
            for key in self.held:
                self.arrive(key)
            self.held.clear()

    @contextmanager
    def acted(self, name: str) -> Iterator[None]:
        self.point(f"before {name}")
        self.outage()
        failure = self.fail.pop(name, None)
        if failure is not None:
            raise failure
        yield
        self.point(f"after {name}")

    def parties(self) -> Parties:
        return Parties(
            Store("old", FakeFence(self, self.old), FakeSequences(self)),
            Store("new", FakeFence(self, self.new), FakeSequences(self)),
            self.forward,
            self.reverse,
            FakeVerification(self),
            {},
        )

    def lost(self) -> list[str]:
        return [key for key in self.acknowledged if key not in self.authority.rows]

    def doubled(self) -> list[str]:
        return [key for side in (self.old, self.new) for key, times in side.rows.items() if times > 1]


@dataclass
class FakeFlow:
    world: World
    name: str
    source: Side
    target: Side
    state: str = "stopped"
    at: int = 0
    stop_at: int | None = None
    foreign: int = 0

    def carry(self) -> None:
        if self.state == "stopped":
            return
        end = len(self.source.log) if self.stop_at is None else min(self.stop_at, len(self.source.log))
        while self.at < end:
            key, ours = self.source.log[self.at]
            self.at += 1
            if ours:
                continue
            if self.state == "running":
                self.target.write(key, ours=True)
            else:
                self.foreign += 1

    def prepare(self) -> None:
        with self.world.acted(f"{self.name} prepare"):
            pass

    def head(self) -> Position:
        return Position(len(self.source.log))

    def applied(self) -> Position | None:
        return Position(self.at)

    def lag(self) -> Lag:
        return Lag(0.0, len(self.source.log) - self.at, NOW)

    def running(self) -> bool:
        return self.state == "running"

    def carried(self) -> bool:
        return self.state != "stopped"

    def attend(self) -> None:
        with self.world.acted(f"{self.name} attend"):
            self.stop_at = 1_000_000

    def carry_on(self) -> None:
        with self.world.acted(f"{self.name} carry on"):
            self.state, self.stop_at = "running", None

    def start(self, at: Position) -> None:
        with self.world.acted(f"{self.name} start"):
            if self.state != "running":
                self.at = at.number
            self.state, self.stop_at = "running", None

    def apply_exactly_to(self, position: Position, *, within: float) -> None:
        assert within > 0
        with self.world.acted(f"{self.name} apply"):
            self.stop_at = position.number
            self.carry()

    def watch(self) -> None:
        with self.world.acted(f"{self.name} watch"):
            self.state, self.stop_at = "watching", None

    def stop(self) -> None:
        with self.world.acted(f"{self.name} stop"):
            self.state, self.stop_at = "stopped", None

    def foreign_writes(self) -> int:
        return self.foreign


@dataclass
class FakeFence:
    world: World
    side: Side
    limits: Sequence[str] = ("what this one lets through",)

    def standing(self) -> Sequence[UUID]:
        return sorted(self.side.fences)

    def is_up(self, transition: UUID) -> bool:
        return transition in self.side.fences

    def put_up(self, transition: UUID, *, within: float) -> None:
        assert within > 0
        with self.world.acted(f"{self.side.name} fence up"):
            self.side.fences.add(transition)

    def take_down(self, transition: UUID, *, within: float) -> None:
        assert within > 0
        with self.world.acted(f"{self.side.name} fence down"):
            self.side.fences.discard(transition)

    def old_transactions(self) -> Sequence[Writer]:
        self.world.live()
        return [self.world.old_ones.pop()] if self.world.old_ones else []

    def writers(self) -> Sequence[Writer]:
        return self.world.other_writers

    def by_hand(self, transition: UUID) -> Sequence[str]:
        return [f"OPEN {self.side.name} {transition}"]


@dataclass
class FakeSequences:
    world: World

    def prime(self, *, margin: int, within: float) -> Mapping[str, int]:
        assert within > 0
        with self.world.acted("sequences"):
            return {"orders_id_seq": margin}


@dataclass
class FakeVerification:
    world: World

    def prepare(self) -> None:
        """Nothing takes long here."""

    def measure(self) -> Mapping[str, Any]:
        return {"rows": 1, "differing": 0, "not_judged": 0}

    def last(self) -> Verified | None:
        return Verified(NOW, 100, 0)

    def dirty(self, *, within: float) -> DirtyCheck:
        assert within > 0
        with self.world.acted("verify"):
            return DirtyCheck(3, self.world.differing)

    def sums(self, side: str) -> Mapping[str, TableSums]:
        self.world.live()
        rows = (self.world.old if side == "old" else self.world.new).rows
        return {"orders": TableSums(sum(rows.values()), " ".join(sorted(rows)))}


@dataclass
class FakeGateways:
    world: World
    deaf_to: str | None = None
    confirmed: Callable[[], None] = lambda: None

    def publish(self, publication: Publication) -> Mapping[str, Any]:
        with self.world.acted(f"publish {publication.step.name}"):
            self.world.follow(publication.step.values)
            if self.deaf_to == publication.step.name:
                self.deaf_to = None
                raise NotConfirmedError("gateway-2 does not follow")
            self.confirmed()
            return {"gateways": ["one"]}

    def in_force(self, _scope: Scope, _unit: str) -> UnitValues | None:
        return self.world.table
