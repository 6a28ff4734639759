"""The canary: promoted by its gate when nothing is wrong, rolled back within seconds when something is."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from caravan.core.clock import utc_now
from scripts.demo.case import Case
from scripts.demo.load import Failure, Load
from scripts.demo.promises import Promises
from scripts.demo.running import Migration

__all__ = ["show_promotion", "show_rollback"]

_RATE: Final = 120.0
_PROMISED_RATE: Final = 100.0
_COHORT: Final = 0.1
_SECOND_STAGE: Final = 2
_FOUND_WITHIN: Final = 10.0
_UNDER_WAY: Final = 1.0
"""Seconds in which requests that were sent before the rollback come to their end."""


def show_promotion(case: Case, migration: Migration, promises: Promises) -> None:
    """Enter a canary of 10 % and have the conductor widen it."""
    migration.advance("canary:10")
    with Load(migration.port, _RATE * 2, case.reads, seed=2, host=case.host) as load:
        began = time.monotonic()
        migration.until(lambda: migration.values().stage == _SECOND_STAGE, "the canary is promoted")
        took = time.monotonic() - began
    entry = migration.last_entry("promotion")
    decision = entry.facts["figures"]
    promises.told(
        "a canary was promoted by its gate, 10 % to 50 %",
        f"after {took:.0f} s, {decision['ratio']['canary_keys']} members, more than {migration.config.gates.r0:.1%} in error ruled out;"
        f" {'; '.join(decision['reasons'])}",
        holds=decision["action"] == "promote" and entry.by == "conductor",
    )
    promises.told("no client saw an error", f"{len(load.failures)} of {load.sent}", holds=not load.failures)
    if case.watched:
        _tell_counters(case, decision["counts"], promises)
    migration.back("shadow-read")


def show_rollback(
    case: Case, migration: Migration, promises: Promises, what: str, breaks: Callable[[], None]
) -> None:
    """Break the new side under a canary of 10 %; the conductor has to find it and send everybody back."""
    migration.advance("canary:10")
    values = migration.values()
    with Load(migration.port, _RATE, case.every, seed=3, host=case.host) as load:
        migration.until(lambda: load.sent > 2 * _RATE, "the canary has traffic")
        breaks()
        planted, at = time.monotonic(), utc_now()
        migration.until(lambda: migration.values().share == 0.0, "the canary is rolled back", seconds=60)
        took = time.monotonic() - planted
        sent, rate = load.sent, load.per_second
        migration.until(lambda: load.sent > sent + _RATE, "traffic after the rollback")
    entry = migration.last_entry("rollback")
    promises.told(
        f"{what} of a {_COHORT:.0%} cohort is found and rolled back within {_FOUND_WITHIN:.0f} s",
        f"found after {(entry.at - at).total_seconds():.1f} s, rolled back after {took:.1f} s, at {rate:.0f} requests/s;"
        f" {entry.facts['said']}",
        holds=took <= _FOUND_WITHIN and rate >= _PROMISED_RATE and entry.by == "conductor",
    )
    outside = [one for one in load.failures if not migration.is_member(one.key, values)]
    promises.told(
        "no client outside the cohort saw an error",
        f"{len(outside)} outside, {len(load.failures) - len(outside)} in the cohort, of {load.sent} requests",
        holds=not outside and bool(load.failures),
    )
    late = _late(load.failures, planted + took + _UNDER_WAY)
    promises.told("nobody saw one after the rollback", f"{late}", holds=late == 0)


def _tell_counters(case: Case, counts: Sequence[Mapping[str, Any]], promises: Promises) -> None:
    read = {each["metric"]: each for each in counts}
    figures = [
        f"{name} {read[name]['canary_events']} on new, {read[name]['baseline_events']} on old"
        for name in case.watched
        if name in read
    ]
    promises.told(
        "the canary watched the business too",
        "; ".join(figures) or "no counter was read",
        holds=len(figures) == len(case.watched),
    )


def _late(failures: list[Failure], end: float) -> int:
    return sum(one.at > end for one in failures)
