"""What probing found."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from caravan.migration.contract.checking.asking import Asked
from caravan.migration.exchange import Answer

__all__ = ["Finding", "ProbeReport", "RouteProbe"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The least request that shows it. ``steady`` is false when the same request did not show it again."""

    asked: Asked
    old: Answer
    new: Answer
    problems: tuple[str, ...]
    steady: bool = True


@dataclass(frozen=True, slots=True)
class RouteProbe:
    """``asked`` counts requests to each side; ``stopped``: time ran out before all examples."""

    route: str
    asked: int
    finding: Finding | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """``skipped`` are the routes that write, or that nothing is known of."""

    seed: int
    routes: tuple[RouteProbe, ...]
    skipped: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0: no difference; 1: something was found; 2: nothing was asked."""
        if any(line.finding for line in self.routes):
            return 1
        return 0 if any(line.asked for line in self.routes) else 2

    def messages(self) -> Iterator[str]:
        """Yield one line per problem, with the request that shows it."""
        for line in self.routes:
            if line.finding is not None:
                asked, unsteady = line.finding.asked, "" if line.finding.steady else ", not every time"
                yield from (
                    f"{line.route}: {problem} ({asked.method} {asked.target}{unsteady})"
                    for problem in line.finding.problems
                )

    def to_json(self) -> str:
        """Return the report for machines."""
        routes: list[dict[str, Any]] = [
            {
                "route": line.route,
                "asked": line.asked,
                "stopped": line.stopped,
                "finding": _told(line.finding),
            }
            for line in self.routes
        ]
        whole = {"seed": self.seed, "routes": routes, "skipped": self.skipped}
        return orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode()


def _told(finding: Finding | None) -> dict[str, Any] | None:
    if finding is None:
        return None
    return {
        "method": finding.asked.method,
        "target": finding.asked.target,
        "body": finding.asked.body.decode("utf-8", "replace"),
        "old": finding.old.status,
        "new": finding.new.status,
        "problems": finding.problems,
        "steady": finding.steady,
    }
