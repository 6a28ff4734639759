"""Where a request goes: a pure function of the table, the request, the time and what this process may."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote_to_bytes

from caravan.migration.gateway.cohort import bucket, threshold
from caravan.migration.gateway.plan import (
    CANARY,
    SWITCHED,
    CohortKey,
    PlannedRoute,
    PlannedUnit,
    RoutePlan,
    Side,
)
from caravan.migration.gateway.request_head import RequestHead
from caravan.migration.gateway.segment_index import SegmentIndex

__all__ = ["Decision", "FoundRoute", "Moment", "RouteTable"]

Action: TypeAlias = Literal["send", "hold", "refuse"]
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Decision:
    """``send`` to ``side``, ``hold`` until the unit is released, or ``refuse``, since who has authority is not known.

    ``fallback``: the old side may answer when the new one does not. ``write`` is the declared effect; a request of an
    unknown route counts as one. ``mark`` is the member whose reads stay with the authority from now on, None for no one.
    ``member`` tells a canary's arm; None outside a canary.
    """

    action: Action
    side: Side
    route: str = _UNKNOWN
    unit: PlannedUnit | None = None
    write: bool = True
    fallback: bool = False
    sample: float = 0.0
    member: bool | None = None
    mark: int | None = None
    key: bytes | None = field(default=None, repr=False)


@dataclass(slots=True)
class Moment:
    """What the decision depends on besides table and request.

    ``wall`` is seconds since 1970; ``lease``: this process has heard from the table's keeper in time; ``recently_wrote``
    tells whether a member wrote within its unit's lag; ``client`` is the address of who asks.
    """

    wall: float
    lease: bool
    recently_wrote: Callable[[int], bool]
    client: bytes


class FoundRoute:
    """One planned route with its unit and, where nothing of the request can change it, its decision (``settled``)."""

    __slots__ = ("label", "plan", "settled", "unit")

    def __init__(
        self, plan: PlannedRoute, unit: PlannedUnit | None, method: str, *, overridable: bool
    ) -> None:
        self.plan = plan
        self.unit = unit
        self.label = f"{method} {plan.template}"
        self.settled: Decision | None = None
        open_question = unit is not None and (unit.state == CANARY or unit.held or unit.armed)
        if (
            not open_question
            and not (overridable and plan.effect == "read")
            and not (plan.sample and plan.key)
        ):
            self.settled = self.usual()

    def usual(self) -> Decision:
        """Return where it goes when nothing of the request changes that."""
        unit, plan = self.unit, self.plan
        side: Side = plan.side if unit is None else "new" if unit.state >= SWITCHED else "old"
        return self.sent(side)

    def sent(
        self, side: Side, *, member: bool | None = None, mark: int | None = None, key: bytes | None = None
    ) -> Decision:
        """Return the decision to send it to a side."""
        write = self.plan.effect == "write"
        # A write of a unit never falls back: the side it goes to is the one with authority.
        fallback = side == "new" and self.plan.fallback and not (write and self.unit is not None)
        return Decision(
            "send", side, self.label, self.unit, write, fallback, self.plan.sample, member, mark, key
        )


class RouteTable:
    """A plan made ready for requests; immutable, and swapped whole.

    ``version`` counts publications, ``epoch`` changes of authority. Version 0 is the table of nobody: all goes to old.
    """

    def __init__(self, plan: RoutePlan, *, version: int = 0, epoch: int = 0) -> None:
        self.plan = plan
        self.version = version
        self.epoch = epoch
        self.unknown = Decision("send", "old", sample=plan.sample_unknown)
        self.strip = plan.override.header.lower().encode() if plan.override else b""
        self.held = frozenset(unit.name for unit in plan.units if unit.held)
        self.armed = frozenset(unit.name for unit in plan.units if unit.armed or unit.held)
        self._secrets = tuple(plan.override.secrets) if plan.override else ()
        self._index: SegmentIndex[dict[bytes, FoundRoute]] = SegmentIndex()
        self._build()

    def _build(self) -> None:
        units = {unit.name: unit for unit in self.plan.units}
        by_template: dict[str, dict[bytes, FoundRoute]] = {}
        for plan in self.plan.routes:
            unit = units[plan.unit] if plan.unit is not None else None
            methods = by_template.setdefault(plan.template, {})
            for method in plan.methods:
                methods[method.encode()] = FoundRoute(plan, unit, method, overridable=bool(self._secrets))
        for template, methods in by_template.items():
            self._complete(methods)
            self._index.add(template, methods)

    def _complete(self, methods: dict[bytes, FoundRoute]) -> None:
        """Add HEAD and OPTIONS beside GET, and under the empty name what any other method is: a write of the unit."""
        first = next(iter(methods.values()))
        if (get := methods.get(b"GET")) is not None:
            methods.setdefault(b"HEAD", get)
        asking = first.plan.model_copy(update={"effect": "read"})
        methods.setdefault(
            b"OPTIONS", FoundRoute(asking, first.unit, "OPTIONS", overridable=bool(self._secrets))
        )
        unknown = first.plan.model_copy(update={"effect": "write", "fallback": False})
        methods[b""] = FoundRoute(unknown, first.unit, "other", overridable=False)

    def find(self, request: RequestHead) -> FoundRoute | None:
        """Return the route of a request, whose ``settled`` is the decision where nothing else matters; None: ``unknown``."""
        target = request.target
        methods = self._index.find(target.partition(b"?")[0] if target[:1] == b"/" else request.path)
        if methods is None:
            return None
        return methods.get(request.method) or methods[b""]

    def weigh(self, route: FoundRoute, request: RequestHead, moment: Moment) -> Decision:
        """Return what to do with a request whose route is not settled."""
        unit = route.unit
        if unit is not None and route.plan.effect == "write" and (unit.armed or unit.held):
            if not moment.lease:
                return Decision("refuse", unit.authority, route.label, unit)
            if unit.held:
                return Decision("hold", unit.authority, route.label, unit)
        key = _cohort_value(route.plan.key, request, moment.client)
        if route.plan.effect == "read" and (chosen := self._overridden(request)) is not None:
            return route.sent(chosen, key=key)
        if unit is None or unit.state != CANARY:
            usual = route.usual()
            return usual if key is None else route.sent(usual.side, key=key)
        return _canary(route, unit, key, moment)

    def _overridden(self, request: RequestHead) -> Side | None:
        if not self._secrets:
            return None
        for value in request.values(self.strip):
            side, _, secret = value.partition(b" ")
            digest = hashlib.sha256(secret.strip()).hexdigest()
            if side in (b"old", b"new") and any(hmac.compare_digest(digest, one) for one in self._secrets):
                return "new" if side == b"new" else "old"
        return None


def _canary(route: FoundRoute, unit: PlannedUnit, key: bytes | None, moment: Moment) -> Decision:
    if not _is_open(unit, moment.wall):
        return route.sent("old", key=key)
    member = key is not None and _is_member(unit, key)
    if not member or key is None:
        return route.sent("old", member=False, key=key)
    if route.plan.effect == "write":
        if unit.writes == "cohort":
            return route.sent("new", member=True, key=key)
        return route.sent("old", member=True, mark=_mark(unit, key), key=key)
    if unit.writes == "authority" and moment.recently_wrote(_mark(unit, key)):
        return route.sent("old", member=True, key=key)
    return route.sent("new", member=True, key=key)


def _is_member(unit: PlannedUnit, key: bytes) -> bool:
    text = key.decode("latin-1")
    if text in unit.exclude:
        return False
    return text in unit.include or bucket(unit.salt or unit.name, key) < threshold(unit.share)


def _is_open(unit: PlannedUnit, wall: float) -> bool:
    window = unit.window
    if window is None:
        return True
    after = window.opens is None or wall >= window.opens.timestamp()
    return after and (window.closes is None or wall < window.closes.timestamp())


def _mark(unit: PlannedUnit, key: bytes) -> int:
    return int.from_bytes(hashlib.sha256(unit.name.encode() + b"\0write\0" + key).digest()[:8])


def _cohort_value(key: CohortKey | None, request: RequestHead, client: bytes) -> bytes | None:
    """Return the request's cohort key; None when it is missing, empty, or there twice and so says nothing."""
    if key is None:
        return None
    if key.kind == "address":
        return client or None
    found = _READERS[key.kind](request, key.name.encode())
    return found[0] if len(found) == 1 and found[0] else None


def _header(request: RequestHead, name: bytes) -> list[bytes]:
    return request.values(name.lower())


def _cookie(request: RequestHead, name: bytes) -> list[bytes]:
    pairs = (pair.partition(b"=") for line in request.values(b"cookie") for pair in line.split(b";"))
    return [value.strip() for found, _, value in pairs if found.strip() == name]


def _query(request: RequestHead, name: bytes) -> list[bytes]:
    pairs = (pair.partition(b"=") for pair in request.query.split(b"&"))
    return [
        unquote_to_bytes(value.replace(b"+", b" "))
        for found, _, value in pairs
        if unquote_to_bytes(found) == name
    ]


_READERS: Final[Mapping[str, Callable[[RequestHead, bytes], list[bytes]]]] = {
    "header": _header,
    "cookie": _cookie,
    "query": _query,
}
