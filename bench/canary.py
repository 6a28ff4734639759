"""The canary's decisions against Kayenta's rule peeked every minute and fixed thresholds, on simulated traffic.

Load: 40 requests a second for an hour from 20,000 clients of unequal activity, a fifth of them in the canary by their key. Errors: 0.1 %
of requests, half of them from 1 % of clients (sticky: from 0.2 % of clients, who fail half of the time). Durations: lognormal, p95 near 0.26 s, each client with a pace of its own. Harm
begins with the canary. Formulas of the peers: bench/README.md and bench/kayenta_rule.py.
"""

import argparse
import random
import statistics
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bench.kayenta_rule import FIRST_LOOK, is_high, thresholds_roll_back
from caravan.migration.canary import ERRORS, Action, Metric, Observation, Stage, StageSettings, decide

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
MINUTES: Final = 60
PER_MINUTE: Final = 2_400
CLIENTS: Final = 20_000
SHARE: Final = 0.2
ANYBODYS_ERRORS: Final = 0.0005
RUNS: Final = 60
ARMS: Final = ("caravan", "caravan, requests counted singly", "kayenta", "thresholds")


@dataclass(frozen=True)
class Traffic:
    """What the canary does worse (``more_errors`` added to its rate, durations times ``slower``), and who is prone to errors."""

    more_errors: float = 0.0
    slower: float = 1.0
    prone_clients: float = 0.01
    prone_rate: float = 0.05


TRAFFIC: Final = {
    "no change": Traffic(),
    "no change, sticky errors": Traffic(prone_clients=0.002, prone_rate=0.5),
    "+0.5 % errors": Traffic(more_errors=0.005),
    "+20 % p95": Traffic(slower=1.2),
}


@dataclass
class Minute:
    """What one minute of one side showed."""

    requests: int = 0
    errors: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def error_rate(self) -> float:
        return self.errors / max(1, self.requests)

    @property
    def p95(self) -> float:
        return sorted(self.seconds)[int(0.95 * len(self.seconds))] if self.seconds else 0.0


@dataclass
class Population:
    """Clients: who is in the canary, how often each asks, how prone to errors and how slow it is."""

    in_canary: list[bool]
    activity: list[float]
    prone: list[bool]
    pace: list[float]

    @classmethod
    def drawn(cls, mixed: random.Random, prone: float) -> "Population":
        clients = range(CLIENTS)
        return cls(
            [mixed.random() < SHARE for _ in clients],
            [mixed.lognormvariate(0, 1) for _ in clients],
            [mixed.random() < prone for _ in clients],
            [mixed.lognormvariate(0, 0.2) for _ in clients],
        )


def run(_arguments: argparse.Namespace) -> dict[str, Any]:
    """Return per harm and arm how many runs were rolled back, when, and how many keys and requests had met the canary."""
    outcomes = {
        name: [_one_run(random.Random(f"{name} {seed}"), traffic) for seed in range(RUNS)]
        for name, traffic in TRAFFIC.items()
    }
    return {
        "load": {
            "requests_per_second": PER_MINUTE / 60,
            "clients": CLIENTS,
            "share": SHARE,
            "minutes": MINUTES,
            "runs": RUNS,
        },
        "alpha": 0.01,
        "figures": {
            name: {arm: _figures([each[arm] for each in runs]) for arm in ARMS}
            for name, runs in outcomes.items()
        },
    }


def _figures(runs: list[dict[str, int] | None]) -> dict[str, Any]:
    caught = [each for each in runs if each is not None]
    figures: dict[str, Any] = {"rolled_back": f"{len(caught)}/{len(runs)}"}
    for name in ("minute", "requests", "keys"):
        figures[f"median_{name}"] = statistics.median(each[name] for each in caught) if caught else None
    return figures


def _one_run(mixed: random.Random, traffic: Traffic) -> dict[str, dict[str, int] | None]:
    population = Population.drawn(mixed, traffic.prone_clients)
    settings = StageSettings("bench", SHARE, (Metric(ERRORS),), latency_slack=0.0)
    stages = {
        "caravan": Stage(settings, START),
        "caravan, requests counted singly": Stage(
            StageSettings("bench", SHARE, (Metric(ERRORS),), per_request=True, latency_slack=0.0), START
        ),
    }
    sides: tuple[list[Minute], list[Minute]] = ([], [])
    caught: dict[str, dict[str, int] | None] = dict.fromkeys(ARMS)
    keys: set[int] = set()
    requests = 0
    for minute in range(1, MINUTES + 1):
        both = Minute(), Minute()
        for client in mixed.choices(range(CLIENTS), population.activity, k=PER_MINUTE):
            seen = _request(mixed, population, client, minute, traffic)
            for stage in stages.values():
                stage.observe(seen)
            _note(both[0 if seen.in_canary else 1], seen)
            if seen.in_canary:
                requests += 1
                keys.add(client)
        for side, now in zip(sides, both, strict=True):
            side.append(now)
        exposed = {"minute": minute, "requests": requests, "keys": len(keys)}
        for arm in ARMS:
            if caught[arm] is None and _rolls_back(arm, stages, sides, minute):
                caught[arm] = exposed
    print(traffic, caught, file=sys.stderr)
    return caught


def _request(
    mixed: random.Random, population: Population, client: int, minute: int, traffic: Traffic
) -> Observation:
    in_canary = population.in_canary[client]
    rate = ANYBODYS_ERRORS + (traffic.prone_rate if population.prone[client] else 0)
    failed = mixed.random() < rate + (traffic.more_errors if in_canary else 0)
    seconds = 0.13 * population.pace[client] * mixed.lognormvariate(0, 0.37)
    at = START + timedelta(minutes=minute)
    events = (ERRORS,) if failed else ()
    return Observation(at, str(client), in_canary, events, seconds * (traffic.slower if in_canary else 1))


def _note(minute: Minute, seen: Observation) -> None:
    minute.requests += 1
    minute.errors += bool(seen.events)
    minute.seconds.append(seen.seconds or 0.0)


def _rolls_back(
    arm: str, stages: dict[str, Stage], sides: tuple[list[Minute], list[Minute]], minute: int
) -> bool:
    if arm in stages:
        return decide(stages[arm], START + timedelta(minutes=minute)).action is Action.ROLL_BACK
    canary, baseline = sides
    errors = [each.error_rate for each in canary], [each.error_rate for each in baseline]
    p95s = [each.p95 for each in canary], [each.p95 for each in baseline]
    if arm == "thresholds":
        return thresholds_roll_back(errors[0], p95s[0])
    return minute >= FIRST_LOOK and (is_high(*errors) or is_high(*p95s))
