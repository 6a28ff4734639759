"""The deduper's queue: its Flask worker as the old side, `caravan api --only deduper` as the new one."""

import random
import time
from pathlib import Path
from typing import Any, Final

import httpx2

from caravan.core.database import DatabaseAddress
from scripts.demo.load import Call, Load, of
from scripts.demo.promises import Promises
from scripts.demo.running import Migration, migrating
from scripts.demo.watching import is_open, judged_and_bound
from scripts.drill.articles import generated
from scripts.drill.sides import ROOT, Limit, Side, legacy, ours, until

__all__ = ["show_deduper"]

_RATE: Final = 100.0
_JOBS: Final = 3
_FOUND_WITHIN: Final = 10.0
_MOMENTS: Final = """
[[routes.compare.canonical]]
path = "$.jobs[*].createdAt"
kind = "timestamp"  # the same job is started on each side in its own moment
forms = ["isoT8.999999+09:09", "isoT8.999999", "isoT8.999Z"]
within = 3600
"""
_GATES: Final = """
[compare]  # headers that ours adds to every answer
ignore_headers = [
    "content-security-policy", "permissions-policy", "referrer-policy", "strict-transport-security", "x-content-type-options",
    "x-frame-options",
]

[shadow]
sample = 1.0
extra_load = 0.5
p95_rise = 10

[gates]
stages = [10, 50, 100]
min_keys = 40
soak = 8
r0 = 0.05
most_undetected = 0.02
delta = 0.5
latency_band = 10

[canary]
warm_up = 0

[gateway]
listen = "127.0.0.1:{port}"
"""


def _list(_source: random.Random) -> Call:
    return "GET", "/deduper/jobs/list", b""


def _health(_source: random.Random) -> Call:
    return "GET", "/deduper/health", b""


def _unknown(source: random.Random) -> Call:
    return "GET", f"/deduper/jobs/{source.randint(5000, 9000)}", b""


def _cancel(source: random.Random) -> Call:
    return "POST", f"/deduper/jobs/{source.randint(5000, 9000)}/cancel", b""


CALLS: Final = of(((4, _list), (4, _health), (3, _unknown), (1, _cancel)))
POLLS: Final = of(((1, _list), (1, _unknown)))
_EXPLAINED: Final = {"$.checks", "$.jobs.active"}
"""Members that ours adds to the health answer on purpose: see docs/mappings/deduper.md. Health is of no unit here, so that what
is explained of it keeps no gate closed; its differences are shown all the same."""


def show_deduper(
    home: Path, database: DatabaseAddress, limit: Limit, promises: Promises, *, short: bool
) -> None:
    """Show it; ``short`` leaves the promotion out."""
    promises.part("deduper: Flask worker → caravan api --only deduper")
    home.mkdir(parents=True, exist_ok=True)
    articles = generated(home / "articles", approved=100, new=16)
    environment = articles.environment() | {"DEDUPER_FLASK_FIXED_IDS": "1"}
    with legacy(home, environment, limit) as old, ours(home, environment, limit) as new:
        for side in (old, new):
            until(lambda side=side: side.answers("/deduper/health"), limit, f"{side.name} answers")  # type: ignore[misc]
        _start_jobs(old.url, new.url)
        for side in (old, new):
            _all_done(side, _JOBS, limit)
        text = _file(old.url, new.url)
        with migrating(home / "run", text, "queue", database, limit) as migration:
            _shadow(migration, old, new, promises)
            if not short:
                _promotion(migration, promises)
            _death(migration, new, promises)
            promises.stay()


def _shadow(migration: Migration, old: Side, new: Side, promises: Promises) -> None:
    migration.advance("contracted", "replayed")
    with Load(migration.port, _RATE, CALLS, host="127.0.0.1") as load:
        migration.until(lambda: is_open(migration, "shadow-read"), "the shadow has seen enough")
    seen = migration.seen()
    judged, bound, _ = judged_and_bound(seen)
    reported = {member.path for one in seen.differences for member in one.members if member.reported}
    promises.told(
        "shadow without an unexplained difference",
        f"{judged} requests compared; explained: {', '.join(sorted(reported & _EXPLAINED)) or 'none'}; not explained:"
        f" {', '.join(sorted(reported - _EXPLAINED)) or 'none'}; a defect on more than {bound:.1%} ruled out",
        holds=not reported - _EXPLAINED and judged > 0,
    )
    migration.advance("shadow-read")
    before = _total(old), _total(new)
    for _ in range(_JOBS):
        httpx2.get(
            f"http://127.0.0.1:{migration.port}/deduper/jobs", headers={"X-Client": "starter"}
        ).raise_for_status()
    _all_done(old, before[0] + _JOBS, migration.limit)
    started = _total(old) - before[0], _total(new) - before[1]
    promises.told(
        "no job was started by asking",
        f"{before[0]} jobs on old and {before[1]} on new after {load.sent} requests; {_JOBS} calls that start one started"
        f" {started[0]} on old and {started[1]} on new",
        holds=before == (_JOBS, _JOBS) and started == (_JOBS, 0),
    )
    promises.told("no client saw an error", f"{len(load.failures)} of {load.sent}", holds=not load.failures)
    _start_jobs(new.url)
    _all_done(new, _total(old), migration.limit)


def _promotion(migration: Migration, promises: Promises) -> None:
    migration.advance("canary:10")
    with Load(migration.port, _RATE * 2, POLLS, seed=2, host="127.0.0.1") as load:
        began = time.monotonic()
        migration.until(lambda: migration.values().stage == 2, "the canary is promoted")  # noqa: PLR2004
        took = time.monotonic() - began
    entry = next(entry for entry in migration.seen().journal if entry.phase == "promotion")
    keys = entry.facts["figures"]["ratio"]["canary_keys"]
    promises.told(
        "a canary was promoted by its gate, 10 % to 50 %",
        f"after {took:.0f} s, {keys} members, {entry.facts['said']}",
        holds=migration.values().share == 0.5,  # noqa: PLR2004
    )
    promises.told("no client saw an error", f"{len(load.failures)} of {load.sent}", holds=not load.failures)
    migration.roll_back_by_hand()


def _death(migration: Migration, new: Side, promises: Promises) -> None:
    """The new side dies under a canary: all its members' reads fail."""
    migration.advance("canary:10")
    values = migration.values()
    with Load(migration.port, _RATE, CALLS, seed=3, host="127.0.0.1") as load:
        until(lambda: load.sent > 2 * _RATE, migration.limit, "the canary has traffic")
        planted = time.monotonic()
        new.process.terminate()
        migration.until(lambda: migration.values().share == 0.0, "the canary is rolled back", seconds=30)
        took = time.monotonic() - planted
        sent = load.sent
        until(lambda: load.sent > sent + _RATE, migration.limit, "traffic after the rollback")
    entry = next(entry for entry in migration.seen().journal if entry.phase == "rollback")
    promises.told(
        f"the new side's death under a 10 % canary is rolled back within {_FOUND_WITHIN:.0f} s",
        f"{took:.1f} s after it was told to end; {entry.facts['said']}",
        holds=took <= _FOUND_WITHIN,
    )
    outside = [one for one in load.failures if not migration.is_member(one.key, values.salt, values.share)]
    promises.told(
        "no client outside the cohort saw an error",
        f"{len(outside)} outside, {len(load.failures)} in the cohort, of {load.sent} requests",
        holds=not outside,
    )


def _start_jobs(*sides: str) -> None:
    for side in sides:
        for _ in range(_JOBS):
            httpx2.get(f"{side}/deduper/jobs", timeout=20).raise_for_status()


def _jobs(side: Side) -> dict[str, Any]:
    jobs: dict[str, Any] = side.ask("GET", "/deduper/health")[1]["jobs"]
    return jobs


def _total(side: Side) -> int:
    return int(_jobs(side)["total"])


def _all_done(side: Side, wanted: int, limit: Limit) -> None:
    until(lambda: _jobs(side)["completed"] == wanted, limit, f"{wanted} jobs of {side.name} are completed")


def _file(old: str, new: str) -> str:
    text = (ROOT / "examples/deduper/migration.toml").read_text(encoding="utf-8")
    text = (
        text[: text.index("[shadow]")]
        .replace("http://127.0.0.1:5000", old)
        .replace("http://127.0.0.1:8000", new)
    )
    text = text.replace('key = "address"', 'key = "header:X-Client"').replace(
        'name = "deduper"', 'name = "demo-deduper"'
    )
    marker = 'template = "/deduper/jobs/{job_id}"'
    health = 'template = "/deduper/health"\neffect = "read"\nkey = "header:X-Client"\n'
    text = text.replace(f'{health}unit = "queue"\n', health)
    before, _, after = text.partition(f"[[routes]]\n{marker}")
    return f"{before}{_MOMENTS}\n[[routes]]\n{marker}{after}{_GATES}"
