"""Runs Hypothesis over both sides: bounded by count and time, the same for the same seed, shrunk to the least request."""

import time
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from unittest import SkipTest

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Flaky

from caravan.migration.contract.checking.asking import Ask, Asked
from caravan.migration.contract.evidence_file import RouteSamples
from caravan.migration.contract.model import Contract, Route
from caravan.migration.contract.probing.judging import Judge
from caravan.migration.contract.probing.limits import ProbeLimits
from caravan.migration.contract.probing.report import Finding, ProbeReport, RouteProbe
from caravan.migration.contract.probing.requests import requests_of

__all__ = ["run_probe"]


class _DifferentError(Exception):
    """The two sides do not agree: Hypothesis shrinks what raises this."""


def run_probe(
    contract: Contract,
    samples: Mapping[str, RouteSamples],
    sides: tuple[Ask, Ask],
    judge: Judge,
    limits: ProbeLimits,
) -> ProbeReport:
    """Probe route after route; each gets its share of the time that is left."""
    patterns = limits.routes
    chosen = [
        key for key in contract.routes if not patterns or any(fnmatchcase(key, one) for one in patterns)
    ]
    readable = [key for key in chosen if contract.routes[key].effect == "read"]
    end, lines = time.monotonic() + limits.seconds, list[RouteProbe]()
    for number, key in enumerate(readable):
        now = time.monotonic()
        until = now + max(0.0, end - now) / (len(readable) - number)
        one = _OneRoute(key, sides, judge, until, 0.0 if limits.per_second is None else 1 / limits.per_second)
        lines.append(
            one.run(contract.routes[key], samples.get(key, RouteSamples()), limits.examples, limits.seed)
        )
    return ProbeReport(limits.seed, tuple(lines), tuple(key for key in chosen if key not in readable))


class _TimeOverError(SkipTest):
    """Hypothesis lets a skipped test end at once, whatever it was doing."""


class _OneRoute:
    """The probe of one route. After its time it asks nothing more."""

    def __init__(self, key: str, sides: tuple[Ask, Ask], judge: Judge, until: float, pause: float) -> None:
        self._key, self._judge = key, judge
        self._old, self._new = sides
        self._until, self._pause = until, pause
        self._asked = 0
        self._stopped = False
        self._last: Finding | None = None
        self._shortest: Finding | None = None

    def run(self, route: Route, samples: RouteSamples, examples: int, number: int) -> RouteProbe:
        @seed(number)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
        )
        @given(requests_of(route, samples))
        def agree(asked: Asked) -> None:
            self._compare(asked)

        steady = True
        try:
            agree()
        except _TimeOverError:
            self._stopped = True
        except _DifferentError:
            pass
        except Flaky:
            steady = False
        finding = (
            self._shortest if self._stopped else self._last
        )  # the last one is the least, when shrinking has ended
        return RouteProbe(self._key, self._asked, finding and replace(finding, steady=steady), self._stopped)

    def _compare(self, asked: Asked) -> None:
        if time.monotonic() >= self._until:
            raise _TimeOverError("time is over")
        if self._pause and self._asked:
            time.sleep(self._pause)
        self._asked += 1
        old, new = self._old(asked), self._new(asked)
        problems = tuple(self._judge(self._key, old, new))
        if problems:
            found = self._last = Finding(asked, old, new, problems)
            if self._shortest is None or len(asked.target) < len(self._shortest.asked.target):
                self._shortest = found
            raise _DifferentError
