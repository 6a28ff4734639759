"""The deduper's queue: its Flask worker as the old side, `caravan api --only deduper` as the new one."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2

from caravan.core.database import DatabaseAddress
from scripts.demo.case import Acceptance, Case
from scripts.demo.load import Call, of
from scripts.demo.promises import Promises
from scripts.demo.showing import show
from scripts.drill.articles import generated
from scripts.drill.sides import ROOT, Limit, Side, legacy, ours, program, until
from tools.free_ports import free_port

__all__ = ["show_deduper"]

_STARTS: Final = ("/deduper/jobs", "/deduper/jobs", "/deduper/jobs/reportId/7")
"""The addresses that start a job, as they are called while the recording is made."""
_ACCEPTED: Final = tuple(
    Acceptance(
        "GET /deduper/health",
        path,
        "extra",
        "operations lead",
        "health-tells-configuration: monitoring must see what callers would run into; existing keys stay",
    )
    for path in ("$.checks", "$.jobs.active")
)
"""Members that ours adds to the health answer on purpose: see docs/mappings/deduper.md."""
_WATCHED: Final = ("jobs_failed", "jobs_timed_out")
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
p95_rise = 10     # a load of seconds on a desk has no steady p95

[gates]
stages = [10, 50, 100]
min_keys = 100
soak = 8
r0 = 0.005
most_undetected = MOST_UNDETECTED
delta = 0.5
latency_band = 10

[canary]
warm_up = 0

[[canary.counters]]
name = "jobs_failed"
kind = "metrics"
url = "COUNTERS/metrics"
query = "deduper_jobs_failed_total"

[[canary.counters]]
name = "jobs_timed_out"
kind = "metrics"
url = "COUNTERS/metrics"
query = "deduper_jobs_timed_out_total"

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


EVERY: Final = of(((4, _list), (4, _health), (4, _unknown), (1, _cancel)))
READS: Final = of(((1, _list), (1, _unknown)))


def show_deduper(
    home: Path, database: DatabaseAddress, limit: Limit, promises: Promises, *, short: bool
) -> None:
    """Show it; ``short`` leaves the promotion out, and asks for less evidence."""
    home.mkdir(parents=True, exist_ok=True)
    articles = generated(home / "articles", approved=100, new=16)
    environment = articles.environment() | {"DEDUPER_FLASK_FIXED_IDS": "1"}
    with legacy(home, environment, limit) as old, ours(home, environment, limit) as new:
        for side in (old, new):
            until(lambda side=side: side.answers("/deduper/health"), limit, f"{side.name} answers")  # type: ignore[misc]
        with _line(new, home, limit) as line, _counters(old, new, home, limit) as counters:

            def spoil(share: float) -> None:
                httpx2.post(f"{line}/_defects", json={"share": share}).raise_for_status()

            case = Case(
                "queue",
                old.url,
                line,
                _file(old.url, line, counters, short=short),
                EVERY,
                READS,
                spoil,
                once=tuple(("GET", target, b"") for target in _STARTS),
                settle=lambda: _the_same_jobs(old, new, limit),
                accepted=_ACCEPTED,
                meanwhile=lambda port, told: _jobs_start_once(old, new, port, limit, told),
                watched=_WATCHED,
            )
            show(case, home / "migration", database, limit, promises, short=short)


@contextmanager
def _line(new: Side, home: Path, limit: Limit) -> Iterator[str]:
    """Put a line before the new side on which requests can be made to fail."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, str(ROOT / "scripts/demo/faulty_line.py"), str(port), new.url]
    with program("line", command, home, {}):
        until(lambda: _answers(f"{url}/deduper/health"), limit, "the line to the new side answers")
        yield url


@contextmanager
def _counters(old: Side, new: Side, home: Path, limit: Limit) -> Iterator[str]:
    """Count the jobs of both sides that failed: the Flask worker has no page of metrics."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, str(ROOT / "scripts/demo/job_counters.py"), str(port), old.url, new.url]
    with program("counters", command, home, {}):
        until(lambda: _answers(f"{url}/metrics"), limit, "the counters of the jobs answer")
        yield url


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=2).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False


def _jobs_start_once(old: Side, new: Side, port: int, limit: Limit, promises: Promises) -> None:
    """Start jobs through the gateway: on the old side, and by asking nowhere else."""
    before, many = (_total(old), _total(new)), len(_STARTS)
    _start(f"http://127.0.0.1:{port}")
    _all_done(old, before[0] + many, limit)
    started = _total(old) - before[0], _total(new) - before[1]
    promises.told(
        "no job was started by asking",
        f"{before[0]} jobs on old and {before[1]} on new before; {many} calls that start one started {started[0]} on old and"
        f" {started[1]} on new",
        holds=before == (many, many) and started == (many, 0),
    )
    _the_same_jobs(old, new, limit)


def _the_same_jobs(old: Side, new: Side, limit: Limit) -> None:
    """Start on new what was started on old: the queue is in the old worker's memory and is not carried over."""
    _start(new.url)
    for side in (old, new):
        _all_done(side, _total(old), limit)


def _start(side: str) -> None:
    for target in _STARTS:
        httpx2.get(f"{side}{target}", headers={"X-Client": "starter"}, timeout=20).raise_for_status()


def _jobs(side: Side) -> dict[str, Any]:
    jobs: dict[str, Any] = side.ask("GET", "/deduper/health")[1]["jobs"]
    return jobs


def _total(side: Side) -> int:
    return int(_jobs(side)["total"])


def _all_done(side: Side, wanted: int, limit: Limit) -> None:
    until(lambda: _jobs(side)["completed"] == wanted, limit, f"{wanted} jobs of {side.name} are completed")


def _file(old: str, new: str, counters: str, *, short: bool) -> str:
    text = (ROOT / "examples/deduper/migration.toml").read_text(encoding="utf-8")
    text = (
        text[: text.index("[shadow]")]
        .replace("http://127.0.0.1:5000", old)
        .replace("http://127.0.0.1:8000", new)
        .replace('key = "address"', 'key = "header:X-Client"')
        .replace('name = "deduper"', 'name = "demo-deduper"')
    )
    before, marker, after = text.partition('[[routes]]\ntemplate = "/deduper/jobs/{job_id}"')
    gates = _GATES.replace("MOST_UNDETECTED", "0.06" if short else "0.02").replace("COUNTERS", counters)
    return f"{before}{_MOMENTS}\n{marker}{after}{gates}"
