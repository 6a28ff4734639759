"""The deduper's worker in one process against the Flask stand-in in one process, both with 1,000 jobs and both paths configured.

``flask`` runs under Werkzeug's threaded server, as the legacy did: a thread per connection (8 at 8 connections), a log line
per request, as ours writes one. ``waitress`` is the same application under a server for production:
8 threads, connections kept, no log. The bar is for both. ``ratios`` are of requests per second within one round, ``cpu_ratios`` of processor
time per request in the server's process (the other way round, so that more is better there too).

``creates``: 200 at once, each job a child that sleeps 50 ms; the times are those of the answers. The legacy starts all
children at once; ours runs one after another, as its table demands, and commits each job before its answer.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from bench.load_generator import measure

BAR: Final = 3
JOBS: Final = 1000
PEERS: Final = {"flask": "werkzeug", "waitress": "waitress"}
BURST: Final = 200
CONNECTIONS: Final = (8, 32)
PATHS: Final = {"list": "/deduper/jobs/list", "health": "/deduper/health"}
_SERVED: Final = Path(__file__).with_name("deduper_flask_served.py")
_PATIENCE: Final = 180.0
_PYTHON: Final = """#!/bin/sh
if [ "$2" = clear_table ]; then exit 0; fi
exec sleep {seconds}
"""


@dataclass(frozen=True)
class Side:
    """One server: where it answers, and the process that does."""

    port: int
    process: psutil.Process

    def measured(self, path: str, *, connections: int, seconds: float) -> dict[str, Any]:
        """Return what the load generator saw and the processor time of this process per request."""
        before = self._used()
        figures = measure(self._url(path), {}, connections=connections, seconds=seconds)
        figures["cpu_us"] = round((self._used() - before) / figures["requests"] * 1e6, 1)
        return figures

    def ask(self, path: str, method: str = "GET") -> Any:  # noqa: ANN401 - any JSON
        request = urllib.request.Request(self._url(path), method=method)  # noqa: S310 - ours
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - ours
            return json.load(answer)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def _used(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return both sides' figures and their ratios; each ratio of the reads has to reach ``BAR``."""
    with tempfile.TemporaryDirectory(prefix="cv") as folder, ExitStack() as stack:
        home = Path(folder)
        sides = {"worker": stack.enter_context(_worker(home))}
        for peer, server in PEERS.items():
            sides[peer] = stack.enter_context(_flask(home, server))
        _same(sides)
        load = os.getloadavg()[0]
        rounds = [_round(sides, arguments.seconds) for _ in range(arguments.repeat)]
        creates = {name: asyncio.run(_burst(side)) for name, side in sides.items()}
    ratios = {
        kind: {
            peer: {case: statistics.median(each[kind][peer][case] for each in rounds) for case in cases}
            for peer, cases in rounds[0][kind].items()
        }
        for kind in ("ratios", "cpu_ratios")
    }
    return {
        "jobs": JOBS,
        "peers": PEERS,
        "load_average_before": round(load, 2),
        "bar": BAR,
        "passed": min(min(each.values()) for each in ratios["ratios"].values()) >= BAR
        and all(not each["wrong"] for each in creates.values()),
        **ratios,
        "creates": creates,
        "rounds": rounds,
    }


def _round(sides: Mapping[str, Side], seconds: float) -> dict[str, Any]:
    figures: dict[str, Any] = {name: {} for name in sides}
    ratios: dict[str, Any] = {peer: {} for peer in PEERS}
    cpu: dict[str, Any] = {peer: {} for peer in PEERS}
    for name, path in PATHS.items():
        for connections in CONNECTIONS:
            case = f"{name}, {connections} connections"
            for side, server in sides.items():
                figures[side][case] = server.measured(path, connections=connections, seconds=seconds)
            ours = figures["worker"][case]
            for peer in PEERS:
                theirs = figures[peer][case]
                ratios[peer][case] = round(ours["per_second"] / theirs["per_second"], 2)
                cpu[peer][case] = round(theirs["cpu_us"] / ours["cpu_us"], 2)
    return {**figures, "ratios": ratios, "cpu_ratios": cpu}


def _same(sides: Mapping[str, Side]) -> None:
    """Make sure that both are asked for the same: as many jobs in the same state, and a configuration that is well."""
    for name, side in sides.items():
        listed = Counter(job["status"] for job in side.ask(PATHS["list"])["jobs"])
        health = side.ask(PATHS["health"])
        if listed != {"cancelled": JOBS} or health["status"] != "healthy":
            raise RuntimeError(f"{name} is not ready to be measured: {listed}, {health}")


async def _burst(side: Side) -> dict[str, Any]:
    """Create on so many connections at once, wait until all jobs have ended, and tell times and states."""
    before = side.ask(PATHS["health"])["jobs"]["total"]
    opened = [await asyncio.open_connection("127.0.0.1", side.port) for _ in range(BURST)]
    request = f"GET /deduper/jobs HTTP/1.1\r\nHost: 127.0.0.1:{side.port}\r\n\r\n".encode()

    async def create(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[float, bytes]:
        begun = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        return (time.perf_counter() - begun) * 1e3, head.split(b"\r\n", 1)[0]

    begun = time.monotonic()
    answers = await asyncio.gather(*(create(*each) for each in opened))
    for _, writer in opened:
        writer.close()
    await asyncio.to_thread(
        _until, lambda: _ended(side, before + BURST), f"{BURST} jobs end on port {side.port}"
    )
    states = Counter(job["status"] for job in side.ask(PATHS["list"])["jobs"][-BURST:])
    refused = sum(b" 201 " not in line for _, line in answers)
    times = sorted(milliseconds for milliseconds, _ in answers)
    return {
        "at_once": BURST,
        "p50_ms": round(statistics.median(times), 1),
        "p99_ms": round(times[BURST * 99 // 100 - 1], 1),
        "longest_ms": round(times[-1], 1),
        "all_ended_after_s": round(time.monotonic() - begun, 1),
        "wrong": refused + BURST - states["completed"],
    }


def _ended(side: Side, total: int) -> bool:
    counts = side.ask(PATHS["health"])["jobs"]
    return bool(counts["total"] == total and counts["pending"] + counts["running"] == 0)


@contextmanager
def _worker(home: Path) -> Iterator[Side]:
    """Run `caravan api --only deduper` with jobs that a clear has cancelled."""
    port = _free_port()
    environment = {
        **_configured(home, "60"),
        "CARAVAN_HOME": str(home / "home"),
        "CARAVAN_LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "caravan.entry.cli", "api", "--only", "deduper", "--port", str(port)]
    with _process(command, environment, home, port) as process:
        _until(lambda: _ready(port), "the worker is ready")
        serving = next(
            child
            for child in process.children(recursive=True)
            if "caravan.entry.deduper_api" in child.cmdline()
        )
        side = Side(port, serving)
        for _ in range(JOBS):
            side.ask("/deduper/jobs")
        side.ask("/deduper/clear-db-table", "DELETE")
        _configured(home, "0.05")
        yield side


@contextmanager
def _flask(home: Path, server: str) -> Iterator[Side]:
    port = _free_port()
    command = [sys.executable, str(_SERVED), str(port), str(JOBS), server]
    with _process(command, _configured(home, "0.05"), home, port) as process:
        yield Side(port, process)


def _configured(home: Path, seconds: str) -> dict[str, str]:
    """Write a program that sleeps so long, and return an environment that names it."""
    python = home / "venv/bin/python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(_PYTHON.format(seconds=seconds))
    python.chmod(0o755)
    main = home / "program/src/main.py"
    main.parent.mkdir(parents=True, exist_ok=True)
    main.touch()
    usual = {name: value for name, value in os.environ.items() if not name.startswith("CARAVAN_")}
    for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL"):
        usual.pop(name, None)
    paths = {"PATH_TO_PYTHON_VENV": str(home / "venv"), "PATH_TO_MICROSERVICE_DEDUPER": str(home / "program")}
    return {**usual, **paths}


@contextmanager
def _process(
    command: list[str], environment: Mapping[str, str], home: Path, port: int
) -> Iterator[psutil.Process]:
    with (home / f"{port}.log").open("w") as log:
        started = subprocess.Popen(
            command, env=environment, cwd=home, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            _until(lambda: _listens(port), f"port {port} is listened on: {home / f'{port}.log'}")
            yield psutil.Process(started.pid)
        finally:
            started.terminate()
            started.wait(60)


def _ready(port: int) -> bool:
    url = f"http://127.0.0.1:{port}/readyz"
    with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not so after {_PATIENCE:g} s: {what}")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
