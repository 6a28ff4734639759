"""A route as it is proposed, for a person to look at."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from caravan.core.errors import CaravanError

__all__ = ["NothingToProposeError", "ProposedRoute", "merged"]


class NothingToProposeError(CaravanError):
    code = "nothing_to_propose"
    status = 422
    title = "Nothing says which routes there are"
    exit_code = 2
    fix = (
        "Record traffic to the old side with `caravan record through` and name it with --recording, give a HAR file with --har,"
        " or the address of an old side that serves its OpenAPI document."
    )


@dataclass(frozen=True, slots=True)
class ProposedRoute:
    """``why`` says on what the effect rests; ``key`` is how clients of this route can be told apart, where that showed."""

    template: str
    methods: tuple[str, ...]
    effect: Literal["read", "write"]
    why: str
    key: str | None = None


def merged(seen: Iterable[ProposedRoute], told: Iterable[ProposedRoute]) -> list[ProposedRoute]:
    """Return the routes that traffic has shown, then those that were only told of, without their overlap."""
    shown = list(seen)
    known = {(method, _shape(route.template)) for route in shown for method in route.methods}
    rest = []
    for route in told:
        methods = tuple(method for method in route.methods if (method, _shape(route.template)) not in known)
        if methods:
            rest.append(ProposedRoute(route.template, methods, route.effect, route.why, route.key))
    return sorted([*shown, *rest], key=lambda route: (route.template, route.methods))


def _shape(template: str) -> str:
    return "/".join("{}" if "{" in segment else segment for segment in template.split("/"))
