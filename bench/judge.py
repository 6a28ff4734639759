"""The judge against ten planted defects and two clean routes, beside two peers from PyPI and Diffy's rule.

Peers: ``BENCH_PEERS`` names a Python that has ``apiparity-check`` and ``traffic-diff``; without it they are left out. Rules and
how each counts as having found a defect: bench/README.md.
"""

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from bench.diffy_rule import diffy_alarms_ever, diffy_reports
from bench.judge_scenarios import PLACES, Scenario, scenarios, written
from caravan.migration.exchange import Answer
from caravan.migration.shadow import Judge, Seen, compare
from caravan.migration.shadow.evidence import Evidence

CLEAN_REQUESTS: Final = 10_000
PLANTED_REQUESTS: Final = 1_000
_RUNS: Final = 1_000


def run(_arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what each finds and what each raises falsely, and the simulated error rates."""
    both = {"plain": scenarios(noisy=False), "noisy": scenarios(noisy=True)}
    found = {kind: _tables(routes) for kind, routes in both.items()}
    return {
        "requests": {"clean": CLEAN_REQUESTS, "planted": PLANTED_REQUESTS},
        "summary": {
            kind: {name: _summary(table) for name, table in tables.items()} for kind, tables in found.items()
        },
        "tables": found,
        "simulated": _simulated(),
        "speed": _speed(both["noisy"][-1]),
    }


def _tables(routes: list[Scenario]) -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = {"caravan": {}, "diffy's rule": {}}
    for (name, place), route in zip([*PLACES.items(), ("clean", "")], routes, strict=True):
        requests = PLANTED_REQUESTS if place else CLEAN_REQUESTS
        tables["caravan"][name] = _ours(route, place, requests)
        tables["diffy's rule"][name] = _diffy(route, place, requests)
        print(name, tables["caravan"][name], file=sys.stderr)
    return tables | _peers(routes)


def _ours(route: Scenario, place: str, requests: int) -> dict[str, Any]:
    judge, extra, needed = Judge(), 0, None
    for turn, triple in enumerate(route.triples(requests), 1):
        taken = judge.take(triple)
        reported = list(taken.reported)
        if taken.reask:
            number, times = int(triple.request.target.rpartition("/")[2]), range(judge.settings.reask_times)
            old = [written(route.old(number, f"re-asked {time_}")) for time_ in times]
            new = [written(route.new(number, f"re-asked new {time_}")) for time_ in times]
            reported += judge.take_reasked(triple.route, taken.reask, old, new)
            extra += len(times)
        if needed is None and place in {path for path, _ in reported}:
            needed = turn
    (state,) = judge.routes.values()
    paths = {path for (path, _), evidence in state.evidence.items() if evidence.reported}
    return {
        "found": place in paths,
        "at_request": needed,
        "false_paths": sorted(paths - {place}),
        "old_re_asked": extra,
    }


def _diffy(route: Scenario, place: str, requests: int) -> dict[str, Any]:
    """Raw and noise per path, by our structural comparison without any canonicaliser; looked at after each request."""
    raw: dict[str, int] = {}
    noise: dict[str, int] = {}
    ever: set[str] = set()
    for total, triple in enumerate(route.triples(requests), 1):
        assert triple.again is not None
        old = Seen(triple.old)
        for counts, answer in ((raw, triple.new), (noise, triple.again)):
            for path in {path for path, _ in compare(old, Seen(answer)).spots()}:
                counts[path] = counts.get(path, 0) + 1
        ever |= {path for path in raw if diffy_reports(raw[path], noise.get(path, 0), total)}
    last = {path for path in raw if diffy_reports(raw[path], noise.get(path, 0), requests)}
    return {"found": place in last, "false_paths": sorted(ever - {place})}


def _peers(routes: list[Scenario]) -> dict[str, dict[str, Any]]:
    python = os.environ.get("BENCH_PEERS")
    if python is None:
        return {}
    names = {route.name: name for name, route in zip([*PLACES, "clean"], routes, strict=True)}
    lines = []
    for route in routes:
        requests = PLANTED_REQUESTS if route.defect else CLEAN_REQUESTS
        for triple in route.triples(requests):
            pair = {"old": _plain(triple.old), "new": _plain(triple.new)}
            lines.append(json.dumps({"scenario": route.name, **pair}))
    script = Path(__file__).with_name("judge_peers.py")
    answer = subprocess.run(
        [python, script], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    tables: dict[str, dict[str, Any]] = {}
    for peer, scenario, flagged, paths in json.loads(answer.stdout):
        name = names[scenario]
        of_place = {path for path in paths if _same(path, PLACES.get(name, ""))}
        tables.setdefault(peer, {})[name] = {
            "found": bool(of_place),
            "flagged": flagged,
            "false_paths": sorted(set(paths) - of_place),
        }
    return tables


def _plain(answer: Answer) -> dict[str, Any]:
    assert answer.body.content is not None
    return {"status": answer.status, "headers": list(answer.headers), "body": answer.body.content.decode()}


def _same(path: str, place: str) -> bool:
    """Tell whether a peer's path is of the planted place, in any of its spellings."""
    if place == "status":
        return path in {"$", "status_code"}
    last = place.rpartition(".")[2]
    return bool(last) and last in re.split(r"[./:\[]", path)


def _summary(table: dict[str, Any]) -> dict[str, Any]:
    planted = [table[name] for name in PLACES]
    return {
        "found": sum(each["found"] for each in planted),
        "planted routes with false paths": sum(bool(each["false_paths"]) for each in planted),
        "false alarms on the clean route": len(table["clean"]["false_paths"]),
        "clean requests flagged": table["clean"].get("flagged"),
    }


def _simulated() -> dict[str, Any]:
    """Error rates and delays of counting alone, with fixed seeds."""
    mixed = random.Random(1)
    rates = (0.001, 0.01, 0.3)
    return {
        "ever a false alarm in 10,000 requests, Diffy's rule": {
            rate: statistics.fmean(diffy_alarms_ever(rate, 10_000, mixed) for _ in range(_RUNS))
            for rate in rates
        },
        "ever a false alarm in 10,000 requests, caravan at 1 %": {
            rate: statistics.fmean(_ever(mixed, rate) for _ in range(_RUNS)) for rate in rates
        },
        "median requests until a field broken on every request is found": {
            noise: statistics.median(_needed(noise, mixed) for _ in range(_RUNS))
            for noise in (0.5, 0.9, 0.99)
        },
    }


def _ever(mixed: random.Random, rate: float) -> bool:
    evidence = Evidence(1)
    for _ in range(round(10_000 * 2 * rate * (1 - rate))):
        evidence.count(new_differs=mixed.random() < 0.5)
        if evidence.settle(0.01):
            return True
    return False


def _needed(noise: float, mixed: random.Random) -> int:
    evidence, requests = Evidence(1), 0
    while not evidence.reported:
        requests += 1
        if mixed.random() >= noise:
            evidence.count(new_differs=True)
            evidence.settle(0.01)
    return requests


def _speed(route: Scenario) -> dict[str, float]:
    triples = list(route.triples(2_000))
    judge = Judge()
    started = time.process_time()
    for triple in triples:
        judge.take(triple)
    seconds = time.process_time() - started
    return {"triples judged per second of processor time (noisy route)": round(len(triples) / seconds)}
