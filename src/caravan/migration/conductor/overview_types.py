"""What an overview is made of. Shares are between 0 and 1, durations seconds, moments aware and UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from caravan.migration.conductor.difference_views import (
    AcceptedView,
    DifferenceMember,
    DifferenceView,
    ReplayView,
)
from caravan.migration.units import Check

__all__ = [
    "AcceptedView",
    "AlertView",
    "BudgetView",
    "ConductorView",
    "CoverageView",
    "DifferenceMember",
    "DifferenceView",
    "GatewayView",
    "HoldView",
    "JournalView",
    "Overview",
    "RecorderView",
    "ReplayView",
    "RequestView",
    "RouteView",
    "SideFigures",
    "TaskKind",
    "TaskView",
    "UnitView",
    "WayView",
]


@dataclass(frozen=True, slots=True)
class SideFigures:
    """One side of a route over the minutes looked at, as far as the tap shows it (a sample, except in a canary).

    ``asked`` are requests that the conductor sent itself, in none of the other figures but p50 and p95 of a side that serves no
    client. ``error_share`` is of answers with 5xx, or none. Without a request p50 and p95 are None.
    """

    requests: int = 0
    per_second: float = 0.0
    errors: int = 0
    error_share: float = 0.0
    asked: int = 0
    p50: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True)
class CoverageView:
    """Of all judged since the judge began. ``bound``: a defect on more than this share of requests would have shown (95 %)."""

    judged: int
    not_judged: Mapping[str, int]
    bound: float
    share: float
    unseen_parameters: tuple[str, ...] = ()
    unseen_statuses: tuple[str, ...] = ()
    unseen_roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RouteView:
    """``route`` is ``METHOD /template``. ``judged`` and ``differing`` are of the minutes looked at; ``mismatch_share`` their ratio.

    ``verdict`` is unseen, gathering, clean or differs, ``statement`` the sentence a gate may say; ``weakened`` what counts as
    equal by path, ``masked`` of ``leaves`` leaves are not compared.
    """

    route: str
    unit: str | None
    effect: str
    sample: float
    old: SideFigures
    new: SideFigures
    judged: int = 0
    differing: int = 0
    mismatch_share: float | None = None
    verdict: str = "unseen"
    statement: str = ""
    coverage: CoverageView | None = None
    weakened: Mapping[str, str] = field(default_factory=dict)
    masked: int = 0
    leaves: int = 0


@dataclass(frozen=True, slots=True)
class WayView:
    """A way a unit has: forward ones with each guard's measured value and its bound (``checks``), and whether it is open now."""

    edge: str
    target: str
    back: bool
    open: bool
    comes_with_data: bool
    checks: tuple[Check, ...]
    steps: tuple[str, ...]
    undone_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HoldView:
    """A person holds the unit: it is not promoted until somebody lets it go."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UnitView:
    """``at`` is where it is as `caravan migration advance` takes it (``canary:5``). ``decision`` is the last one of its stage.

    ``decision`` has the form of ``canary.Decision.to_json``: action, reasons, ratio, counts, latencies. ``members`` and ``others``
    are distinct cohort keys seen in the stage; ``interrupted`` names a transition that was cut short.
    """

    name: str
    state: int
    state_name: str
    at: str
    reads: str
    writes: str
    share: float
    stage: int
    stages: tuple[float, ...]
    entered_at: datetime | None
    routes: tuple[str, ...]
    ways: tuple[WayView, ...]
    hold: HoldView | None = None
    interrupted: str | None = None
    decision: Mapping[str, Any] | None = None
    decided_at: datetime | None = None
    members: int = 0
    others: int = 0


@dataclass(frozen=True, slots=True)
class BudgetView:
    """What asking again costs the old side: ``asked`` of ``served`` requests; ``stopped`` says why nothing is asked now."""

    served: int
    asked: int
    allowed: int
    calm_p95: float | None
    present_p95: float | None
    stopped: str | None


@dataclass(frozen=True, slots=True)
class RecorderView:
    """What the conductor records beside comparing: exchanges offered, written, dropped for want of room, and failed."""

    name: str
    offered: int
    recorded: int
    dropped: int
    failed: int


@dataclass(frozen=True, slots=True)
class ConductorView:
    """``alive`` when it was seen within ten seconds; ``taken`` exchanges came by the tap, ``skipped`` by reason."""

    name: str
    alive: bool
    seen_at: datetime
    started_at: datetime
    taken: int
    judged: int
    skipped: Mapping[str, int]
    recorder: RecorderView | None = None


@dataclass(frozen=True, slots=True)
class GatewayView:
    """A process of the gateway and the version it routes by; ``silent`` seconds since it was heard of."""

    name: str
    version: int
    behind: bool
    silent: float
    held: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertView:
    id: UUID
    cause: str
    unit: str | None
    severity: str
    said: str
    began_at: datetime
    ended_at: datetime | None
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JournalView:
    number: int
    at: datetime
    unit: str | None
    phase: str
    by: str
    about: str
    facts: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class RequestView:
    """A wish that waits for a second pair of eyes."""

    id: UUID
    unit: str | None
    action: str
    wish: Mapping[str, Any]
    by: str
    asked_at: datetime


TaskKind: TypeAlias = Literal[
    "gate", "difference", "approval", "acceptance", "alert", "interrupted", "gateway", "conductor", "way"
]


@dataclass(frozen=True, slots=True)
class TaskView:
    """Something a person has to do, most urgent first in the list; ``ref`` is the id it is about, when it has one."""

    kind: TaskKind
    unit: str | None
    said: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything there is to see. ``minutes`` is how far back traffic was added up; ``table_version`` 0: nothing published."""

    migration: str
    org: UUID
    at: datetime
    minutes: float
    table_version: int
    conductor: ConductorView | None
    gateways: tuple[GatewayView, ...]
    units: tuple[UnitView, ...]
    routes: tuple[RouteView, ...]
    differences: tuple[DifferenceView, ...]
    accepted: tuple[AcceptedView, ...]
    budget: BudgetView | None
    alerts: tuple[AlertView, ...]
    requests: tuple[RequestView, ...]
    journal: tuple[JournalView, ...]
    tasks: tuple[TaskView, ...]

    def unit(self, name: str) -> UnitView | None:
        """Return the unit of this name."""
        return next((each for each in self.units if each.name == name), None)

    def routes_of(self, unit: str | None) -> tuple[RouteView, ...]:
        """Return the routes of a unit."""
        return tuple(each for each in self.routes if each.unit == unit)
