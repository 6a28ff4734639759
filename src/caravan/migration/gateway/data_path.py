"""What the connections of one process share: table, pools, limits, and everything that is counted or copied."""

import asyncio
import hashlib
import random
import time
from collections.abc import Mapping
from typing import Final, Protocol

import structlog

from caravan.migration.exchange import Body
from caravan.migration.gateway.access_log import AccessLog
from caravan.migration.gateway.capture import Capture
from caravan.migration.gateway.decision import Decision, Moment, RouteTable
from caravan.migration.gateway.flight import Flight
from caravan.migration.gateway.forwarding import ForwardedLines, TrustedProxies
from caravan.migration.gateway.holds import Holds
from caravan.migration.gateway.limits import Limits
from caravan.migration.gateway.measurements import Counts, Measurements
from caravan.migration.gateway.plan import RoutePlan, Side
from caravan.migration.gateway.recent_writes import RecentWrites
from caravan.migration.gateway.refusals import (
    AnswerBrokenError,
    AnswerLateError,
    Refusal,
    SideBusyError,
    SideUnreachableError,
)
from caravan.migration.gateway.request_head import RequestHead
from caravan.migration.gateway.request_ids import RequestIds
from caravan.migration.gateway.side_pool import SidePool
from caravan.migration.gateway.tap import Copy, TapSink

__all__ = ["Connection", "DataPath"]

log = structlog.get_logger(__name__)

_SLICE: Final = 512
_UNANSWERED: Final = frozenset(
    (AnswerBrokenError.code, AnswerLateError.code, SideBusyError.code, SideUnreachableError.code)
)
"""Refusals that are the side's fault: a copy without an answer tells them, so that whoever compares hears of them too."""


class Connection(Protocol):
    """What the sweep and the drain need of a client's connection or a tunnel's end."""

    deadline: float

    def expired(self) -> None: ...

    def drain(self) -> None: ...

    def abort(self) -> None: ...


class DataPath:
    """One per process. The table is swapped by one assignment: a request sees one table, whole."""

    def __init__(
        self,
        pools: Mapping[Side, SidePool],
        limits: Limits,
        *,
        proxies: TrustedProxies,
        access_log: AccessLog,
        recent: RecentWrites | None = None,
        tap: TapSink | None = None,
    ) -> None:
        self.pools = dict(pools)
        self.limits = limits
        self.proxies = proxies
        self.table = RouteTable(RoutePlan())
        self.holds = Holds(limits)
        self.ids = RequestIds()
        self.draining = False
        self.lease_until = float("inf")
        self.measured = Measurements()
        self.access_log = access_log
        self.tap = tap
        self.recent = recent or RecentWrites()
        self.empty = asyncio.Event()
        self.empty.set()
        self._connections: set[Connection] = set()
        self._writes: dict[str, int] = {}

    @property
    def counts(self) -> Counts:
        """The sums that have a name of their own."""
        return self.measured.counts

    @property
    def connections(self) -> int:
        """How many clients are connected; a tunnel counts twice."""
        return len(self._connections)

    # Routing.

    def decide(self, head: RequestHead, forwarded: ForwardedLines) -> Decision:
        """Return what to do with a request, by the table of this moment."""
        table = self.table
        route = table.find(head)
        if route is None:
            return table.unknown
        if route.settled is not None:
            return route.settled
        moment = Moment(time.time(), self.has_lease, self.recent.wrote, forwarded.client(head))
        return table.weigh(route, head, moment)

    @property
    def has_lease(self) -> bool:
        """Whether the table's keeper was heard from in time; on the monotonic clock, so that setting the time changes nothing."""
        return time.monotonic() < self.lease_until

    def swap(self, table: RouteTable) -> None:
        """Take a new table, and send on what waited for it."""
        self.table = table
        for flight in self.holds.all():
            decision = self.decide(flight.head, flight.client.forwarded)
            if decision.action != "hold":
                self.holds.leave(flight)
                flight.decide_again(decision)

    def writes_in_flight(self, unit: str) -> int:
        """Return how many writes of a unit have been sent and are not answered yet."""
        return self._writes.get(unit, 0)

    def writes_begun(self, unit: str) -> None:
        """Count a write that is being sent."""
        self._writes[unit] = self._writes.get(unit, 0) + 1

    # Requests.

    def launched(self, flight: Flight) -> None:
        """Note a request that begins."""
        decision = flight.decision
        if decision is self.table.unknown:
            self.counts.unknown += 1
        if decision.action == "hold":
            self.counts.held += 1
        if decision.mark is not None and decision.unit is not None:
            self.recent.mark(decision.mark, decision.unit.lag_seconds)
        sample = decision.sample
        if sample and self.tap is not None and (sample >= 1 or random.random() < sample):  # noqa: S311 - a sample
            if not self.tap.room:
                self.counts.tap_dropped += 1
                return
            flight.tapped = True
            flight.answer_capture = Capture()
            if flight.head.length:
                flight.request_capture = Capture()

    def landed(self, flight: Flight) -> None:
        """Note a request that has ended, however it did."""
        now = time.monotonic()
        decision = flight.decision
        if flight.counted:
            self._writes[flight.counted] -= 1
        if decision.action == "hold":
            self.holds.leave(flight)
        if decision.mark is not None and decision.unit is not None:
            self.recent.mark(decision.mark, decision.unit.lag_seconds)
        seconds = now - flight.started
        self.measured.landed(flight, seconds)
        if flight.refused:
            self.measured.refused(flight.refused)
        self.access_log.note(flight, seconds)
        if flight.tapped:
            self._copy(flight, now)

    def refused(self, refusal: Refusal) -> None:
        """Note a request that was refused before it was one."""
        self.measured.refused(refusal.code)

    def _copy(self, flight: Flight, now: float) -> None:
        if self.tap is None or flight.status == 0 or flight.answer_capture is None:
            return
        head = flight.answer_head_read
        unanswered = flight.refused in _UNANSWERED
        if not unanswered and (head is None or flight.refused):
            return
        seconds = now - flight.received
        copy = Copy(
            flight.request_id,
            time.time() - seconds,
            seconds,
            flight.head.raw,
            _kept(flight.request_capture),
            b"" if unanswered or head is None else head.raw,
            b"" if unanswered else _kept(flight.answer_capture),
            _who(flight),
            _tags(flight),
        )
        if self.tap.offer(copy):
            self.counts.tapped += 1
        else:
            self.counts.tap_dropped += 1

    # Connections.

    def joined(self, connection: Connection) -> bool:
        """Take a connection under watch; False when there are too many."""
        if len(self._connections) >= self.limits.clients:
            return False
        self._connections.add(connection)
        self.empty.clear()
        return True

    def left(self, connection: Connection) -> None:
        """Forget a connection; ``empty`` is set while there is none."""
        self._connections.discard(connection)
        if not self._connections:
            self.empty.set()

    async def sweep(self) -> None:
        """End what has waited too long; a slice at a time, so that ten thousand idle clients delay nobody."""
        now = time.monotonic()
        watched = list(self._connections)
        for start in range(0, len(watched), _SLICE):
            for connection in watched[start : start + _SLICE]:
                if connection.deadline < now and connection in self._connections:
                    connection.expired()
            await asyncio.sleep(0)
        for pool in self.pools.values():
            pool.close_old(now)

    def drain(self) -> None:
        """Close idle connections, and the others after their answer."""
        self.draining = True
        for connection in list(self._connections):
            connection.drain()

    def abort_all(self) -> None:
        """Break off whatever is left."""
        for connection in list(self._connections):
            connection.abort()


def _kept(capture: Capture | None) -> bytes | Body:
    if capture is None:
        return b""
    content = capture.content()
    return capture.body() if content is None else content


def _who(flight: Flight) -> bytes:
    """Return who asked: the hash of the declared key, which itself is not kept, else the address."""
    key = flight.decision.key
    if key is None:
        return flight.client.forwarded.client(flight.head)
    return b"key:" + hashlib.sha256(key).hexdigest()[:32].encode()


def _tags(flight: Flight) -> bytes:
    decision = flight.decision
    tags = b"side:new" if flight.side == "new" else b"side:old"
    if decision.member is not None:
        tags += b" member" if decision.member else b" other"
    if flight.fell_back:
        tags += b" fell-back"
    return tags
