"""A contract: what each route takes and answers, as reviewed by people."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from caravan.migration.contract.schemas import Field, Schema

__all__ = ["SAFE_METHODS", "AnswerShape", "Contract", "Effect", "Route", "proposed_effect", "route_key"]

Effect: TypeAlias = Literal["read", "write"]
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CREATED: Final = 201


@dataclass(frozen=True, slots=True)
class AnswerShape:
    """One status. ``types`` are the media types seen (empty: no body), ``body`` the schema of JSON ones.

    ``headers`` always come: to a name its constant value, or None where values vary. ``cookies`` are always set.
    """

    types: frozenset[str] = frozenset()
    body: Schema | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    cookies: frozenset[str] = frozenset()

    def join(self, other: "AnswerShape") -> "AnswerShape":
        """Return what both keep."""
        common = self.headers.keys() & other.headers.keys()
        bodies = [body for body in (self.body, other.body) if body is not None]
        return AnswerShape(
            types=self.types | other.types,
            body=None if not bodies else bodies[0].join(bodies[-1]),
            headers={
                name: self.headers[name] if self.headers[name] == other.headers[name] else None
                for name in sorted(common)
            },
            cookies=self.cookies & other.cookies,
        )


@dataclass(frozen=True, slots=True)
class Route:
    """One method at one template. Only a ``read`` route is asked again, repeated or probed."""

    method: str
    template: str
    effect: Effect
    reviewed: bool = False
    note: str = ""
    path: Mapping[str, Schema] = field(default_factory=dict)
    query: Mapping[str, Field] = field(default_factory=dict)
    request_types: frozenset[str] = frozenset()
    request: Schema | None = None
    answers: Mapping[int, AnswerShape] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return route_key(self.method, self.template)


@dataclass(frozen=True, slots=True)
class Contract:
    """``routes`` by key, such as ``GET /orders/{order_id}``; ``frozen`` is the hash it was frozen with."""

    name: str
    routes: Mapping[str, Route] = field(default_factory=dict)
    frozen: str | None = None

    def with_routes(self, routes: Mapping[str, Route]) -> "Contract":
        return replace(
            self, routes=dict(sorted(routes.items(), key=lambda item: (item[1].template, item[1].method)))
        )


def route_key(method: str, template: str) -> str:
    """Return how a route is named in files and messages."""
    return f"{method} {template}"


def proposed_effect(method: str, statuses: frozenset[int], *, changes_rows: bool = False) -> Effect:
    """Propose ``write`` for methods that are not safe, for 201 answers, for what changed rows, and for what was never seen."""
    unsafe = method not in SAFE_METHODS or changes_rows
    return "write" if unsafe or _CREATED in statuses or not statuses else "read"
