"""What a route table says, as it is published, stored and read by people: frozen, checked, without behaviour."""

import hashlib
from typing import Annotated, Any, Final, Literal, TypeAlias

import orjson
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

__all__ = [
    "CohortKey",
    "Override",
    "PlannedRoute",
    "PlannedUnit",
    "RoutePlan",
    "Side",
    "State",
    "checksum",
]

Side: TypeAlias = Literal["old", "new"]
State: TypeAlias = Annotated[int, Field(ge=0, le=9)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]

SWITCHED: Final = 7
CANARY: Final = 6
_SHA256_HEX: Final = 64


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CohortKey(_Frozen):
    """Where the key stands by which a client stays in its cohort: ``name`` of the header, cookie or query parameter."""

    kind: Literal["header", "cookie", "query", "address"]
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> "CohortKey":
        """Read ``header:X-User``, ``cookie:sid``, ``query:tenant`` or ``address``; raises ``ValueError``."""
        kind, _, name = text.partition(":")
        if kind == "jwt":
            raise ValueError(
                "a claim of a token whose signature the gateway does not check is what the client wants it to be;"
                " use a header that the proxy in front sets, or the cookie or header that carries the token itself"
            )
        if kind not in ("header", "cookie", "query", "address"):
            raise ValueError(f"{text!r} is none of header:NAME, cookie:NAME, query:NAME, address")
        return cls.model_validate({"kind": kind, "name": name})

    @model_validator(mode="after")
    def _named(self) -> "CohortKey":
        if (self.kind == "address") == bool(self.name):
            raise ValueError(f"{self.kind} {'takes no name' if self.name else 'needs a name'}")
        return self


class Window(_Frozen):
    """When a canary is open; outside it, everything of the canary goes to the old side. Either end may be left open."""

    opens: AwareDatetime | None = None
    closes: AwareDatetime | None = None


class Override(_Frozen):
    """A header with which testers choose the side of a read: ``<side> <secret>``. It is never sent on.

    ``secrets`` are SHA-256 digests in hex; the secrets themselves are in no table.
    """

    header: _Name
    secrets: tuple[str, ...]

    @field_validator("secrets")
    @classmethod
    def _digests(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(one) != _SHA256_HEX or not set(one) <= set("0123456789abcdef") for one in value):
            raise ValueError("give SHA-256 digests in hex, not the secrets")
        return value


class PlannedUnit(_Frozen):
    """Routes that change write authority together.

    ``state`` is 0 to 9 as in the design of units; from 7 on the new side has authority. In state 6 ``share`` of the
    cohort keys are members: their reads go to the new side, their writes to the side with authority, which is the old
    one, or with ``writes="cohort"`` the new one for members. ``salt`` belongs to one canary: the same salt at a greater
    share keeps all members. ``include`` and ``exclude`` list keys that are members, or not, whatever their hash.
    ``lag_seconds`` is how long after a member's write its reads stay with the authority. ``armed``: a switch is being
    prepared, and a process without its lease refuses the unit's writes; ``held``: they wait.
    """

    name: _Name
    state: State = 0
    share: Share = 0.0
    salt: str = ""
    writes: Literal["authority", "cohort"] = "authority"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    window: Window | None = None
    lag_seconds: Annotated[float, Field(ge=0, le=3600)] = 5.0
    armed: bool = False
    held: bool = False

    @property
    def authority(self) -> Side:
        """The side whose data counts."""
        return "new" if self.state >= SWITCHED else "old"


class PlannedRoute(_Frozen):
    """One template with its methods. ``side`` is for routes of no unit; a unit's state decides for the others.

    ``fallback``: what the new side fails to answer goes to the old one, where that is safe. ``sample`` is the share of
    exchanges handed to the shadow.
    """

    template: Annotated[str, StringConstraints(pattern=r"^/[^?#\s]*$", max_length=1000)]
    methods: tuple[Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$")], ...] = (
        "GET",
    )
    effect: Literal["read", "write"]
    unit: str | None = None
    side: Side = "old"
    key: CohortKey | None = None
    fallback: bool = False
    sample: Share = 0.0


class RoutePlan(_Frozen):
    """All routes and units of one migration."""

    units: tuple[PlannedUnit, ...] = ()
    routes: tuple[PlannedRoute, ...] = ()
    override: Override | None = None
    sample_unknown: Share = 0.0

    @model_validator(mode="after")
    def _agrees(self) -> "RoutePlan":
        names = [unit.name for unit in self.units]
        problems = [
            f"the unit {name!r} occurs twice" for name in sorted({n for n in names if names.count(n) > 1})
        ]
        problems += [
            f"{route.template}: there is no unit {route.unit!r}"
            for route in self.routes
            if route.unit is not None and route.unit not in names
        ]
        seen: set[tuple[str, str]] = set()
        for route in self.routes:
            for method in route.methods:
                if (method, route.template) in seen:
                    problems.append(f"{method} {route.template} occurs twice")
                seen.add((method, route.template))
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def unit(self, name: str) -> PlannedUnit | None:
        """Return the unit of this name."""
        return next((unit for unit in self.units if unit.name == name), None)

    def with_unit(self, changed: PlannedUnit) -> "RoutePlan":
        """Return the plan with this unit in place of the one of its name."""
        units = tuple(changed if unit.name == changed.name else unit for unit in self.units)
        return self.model_copy(update={"units": units})

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return self.model_dump(mode="json")


def checksum(document: dict[str, Any]) -> str:
    """Return the SHA-256, in hex, of a plan's document with its keys in order."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()
