"""The gateway beside other proxies, before one server that answers from memory.

The proxy has core 0 for itself; origin, load generator and whatever reads the shadow share core 1. Each proxy has one
worker and no access log. A figure in requests per second counts only when the proxy's core was busy (``valid``); processor
time per request (``cpu_us``, in the proxy's processes, kernel included) counts always. Rounds are interleaved.

Peers: nginx as a proxy with kept connections, nginx with ``mirror``, HAProxy, an aiohttp proxy and mitmdump, those that are
installed. ``shadow``: every exchange is copied to another process; or that process takes 200 ms for each, is not there, or
breaks off after each. ``idle``: 10,000 idle clients beside the load. ``long``: bodies of 1 GiB each way, and the memory for it.
"""

import argparse
import contextlib
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psutil

from bench.load_generator import measure, paced
from caravan.migration.gateway.plan import PlannedRoute, RoutePlan
from caravan.migration.gateway.table_copy import CopiedTable, TableCopy

CONNECTIONS: Final = 32
PACED: Final = 64
"""Connections of the paced load; they pause between their requests."""
IDLE: Final = 10_000
LONG: Final = 1 << 30
_PATH: Final = "/rps/orders/5"
_BODY: Final = json.dumps(
    {"id": 5, "customer": "a customer", "lines": [{"sku": f"S{n}", "price": "9.90"} for n in range(12)]}
)
_BUSY: Final = 0.95
_MIB: Final = 1_048_576
_BARS: Final = {
    "shadow off / nginx": 0.5,
    "shadow on / nginx mirror": 1.0,
    "added p99 ms at half load": 1.0,
    "bad shadow / shadow off": 0.95,
}


@dataclass(frozen=True)
class Proxy:
    """Where a proxy answers, and the processes whose time it costs."""

    base: str
    processes: tuple[psutil.Process, ...]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.base.rpartition("/")[2].partition(":")
        return host, int(port)

    def measured(self, seconds: float) -> dict[str, Any]:
        """Return what the load generator saw, processor time per request and how busy the proxy's core was."""
        before, began = self._used(), time.monotonic()
        figures = measure(self.base + _PATH, {}, connections=CONNECTIONS, seconds=seconds)
        used, took = self._used() - before, time.monotonic() - began
        figures["cpu_us"] = round(used / figures["requests"] * 1e6, 1)
        figures["busy"] = round(used / took, 3)
        figures["valid"] = used / took >= _BUSY
        return figures

    @property
    def memory(self) -> int:
        """Resident bytes."""
        return sum(process.memory_info().rss for process in self.processes)

    def _used(self) -> float:
        times = [process.cpu_times() for process in self.processes]
        return float(sum(one.user + one.system for one in times))


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return figures of every proxy, the gateway's shadow in good and bad days, idle clients and long bodies."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    raise_file_limit(IDLE + 1_000)
    with tempfile.TemporaryDirectory(prefix="g") as folder, ExitStack() as stack:
        place = Place(Path(folder), cores[0])
        origin = stack.enter_context(place.origin())
        peers = dict(place.peers(origin))
        rounds = [_round(peers, arguments.seconds, number) for number in range(arguments.repeat)]
        medians = {
            name: {key: _median(rounds, name, key) for key in ("per_second", "cpu_us", "p99_ms", "busy")}
            for name in peers
        }
        with place.gateway(origin) as gateway, peers["nginx"]() as nginx:
            sides = {"origin": origin, "nginx": nginx, "gateway": gateway}
            half = _half_load(sides, medians["gateway"]["per_second"] / 2, arguments)
            idle = _idle(gateway, arguments.seconds)
        long = _long(place, origin)
    return {
        "bars": _BARS,
        "ratios": _ratios(rounds, half),
        "medians": medians,
        "half_load": half,
        "idle": idle,
        "long": long,
        "missing": [name for name in ("haproxy", "aiohttp", "mitmdump") if name not in peers],
        "rounds": rounds,
    }


def _ratios(rounds: list[dict[str, Any]], half: Mapping[str, Any]) -> dict[str, float]:
    """Return the medians of each round's own ratios: what drifts from round to round drifts for both sides."""

    def of_rounds(key: str, upper: str, lower: str) -> float:
        return round(float(statistics.median(each[upper][key] / each[lower][key] for each in rounds)), 3)

    def per_second(name: str, other: str) -> float:
        return of_rounds("per_second", name, other)

    def processor(name: str, other: str) -> float:
        return of_rounds("cpu_us", other, name)

    found = {"added p99 ms at half load": half["added_p99_ms"]["gateway"]}
    for label, ratio in (("", per_second), (" (processor time)", processor)):
        found |= {
            f"shadow off / nginx{label}": ratio("gateway", "nginx"),
            f"shadow on / nginx mirror{label}": ratio("gateway, shadow on", "nginx mirror"),
            f"shadow slow / shadow off{label}": ratio("gateway, shadow slow", "gateway"),
            f"shadow dead / shadow off{label}": ratio("gateway, shadow dead", "gateway"),
            f"shadow failing / shadow off{label}": ratio("gateway, shadow failing", "gateway"),
        }
    return found


def _round(
    peers: Mapping[str, Callable[[], contextlib.AbstractContextManager[Proxy]]], seconds: float, number: int
) -> dict[str, Any]:
    measured = {}
    for name in peers if number % 2 == 0 else list(peers)[::-1]:
        with peers[name]() as proxy:
            proxy.measured(1)
            measured[name] = proxy.measured(seconds)
        print(name, json.dumps(measured[name]), file=sys.stderr)
    return measured


def _median(rounds: list[dict[str, Any]], name: str, key: str) -> float:
    return float(statistics.median(each[name][key] for each in rounds))


def _half_load(sides: Mapping[str, Proxy], rate: float, arguments: argparse.Namespace) -> dict[str, Any]:
    """Compare the latency at half of the gateway's most with that of the origin at the same rate, in turns."""
    rounds = [
        {
            name: paced(side.base + _PATH, connections=PACED, seconds=arguments.seconds, per_second=rate)
            for name, side in sides.items()
        }
        for _ in range(arguments.repeat)
    ]
    added = {
        name: round(
            float(statistics.median(each[name]["p99_ms"] - each["origin"]["p99_ms"] for each in rounds)), 3
        )
        for name in ("nginx", "gateway")
    }
    return {"rounds": rounds, "added_p99_ms": added}


def _idle(gateway: Proxy, seconds: float) -> dict[str, Any]:
    before = gateway.memory
    alone = gateway.measured(seconds)
    idle = [socket.create_connection(gateway.address) for _ in range(IDLE)]
    grown = gateway.memory - before
    beside = gateway.measured(seconds)
    for one in idle:
        one.close()
    return {
        "clients": IDLE,
        "bytes_each": round(grown / IDLE),
        "alone": alone,
        "beside": beside,
        "ratio": round(beside["per_second"] / alone["per_second"], 3),
    }


def _long(place: "Place", origin: Proxy) -> dict[str, Any]:
    """Send and fetch a body of 1 GiB; return the rates and how much the gateway's memory grew at most."""
    with place.gateway(origin) as gateway:
        rate, grown = _fetched(gateway)
    with socket.create_server(("127.0.0.1", 0)) as sink:
        threading.Thread(target=_swallow, args=(sink,), daemon=True).start()
        with place.gateway(Proxy(f"http://127.0.0.1:{sink.getsockname()[1]}", ())) as gateway:
            up_rate, up_grown = _sent(gateway)
    return {
        "down_mib_per_second": rate,
        "up_mib_per_second": up_rate,
        "memory_grown_mib": max(grown, up_grown),
    }


def _fetched(gateway: Proxy) -> tuple[float, float]:
    before, most, got, began = gateway.memory, 0, 0, time.monotonic()
    with socket.create_connection(gateway.address) as client:
        client.sendall(b"GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        while size := len(client.recv(1_048_576)):
            got += size
            most = max(most, gateway.memory)
    assert got > LONG, f"{got} bytes came"
    return _rate(began), round((most - before) / _MIB, 1)


def _sent(gateway: Proxy) -> tuple[float, float]:
    before, most, began = gateway.memory, 0, time.monotonic()
    piece = b"x" * _MIB
    with socket.create_connection(gateway.address) as client:
        client.sendall(f"POST /long HTTP/1.1\r\nHost: a\r\nContent-Length: {LONG}\r\n\r\n".encode())
        for _ in range(LONG // _MIB):
            client.sendall(piece)
            most = max(most, gateway.memory)
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
    return _rate(began), round((most - before) / _MIB, 1)


def _rate(began: float) -> float:
    return round(LONG / _MIB / (time.monotonic() - began), 1)


def _swallow(sink: socket.socket) -> None:
    """Take one request with a body of ``LONG`` bytes, and answer."""
    connection, _ = sink.accept()
    with connection:
        buffer, got = bytearray(_MIB), 0
        while got < LONG:
            got += connection.recv_into(buffer)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        connection.recv(1)


def raise_file_limit(wanted: int) -> None:
    """Allow so many open files, for us and what we start."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted * 2, hard), hard))


class Place:
    """A folder and a core for the proxies; starts servers on free ports and ends them."""

    def __init__(self, folder: Path, core: int) -> None:
        self._folder = folder
        self._core = core
        self._number = 0

    @contextmanager
    def origin(self) -> Iterator[Proxy]:
        """Serve the answer from memory and a file of 1 GiB, on our own core."""
        long = self._folder / "www" / "long"
        long.parent.mkdir()
        with long.open("wb") as file:
            file.truncate(LONG)
        answer = f"location / {{ default_type application/json; return 200 '{_BODY}'; }}"
        files = f"location = /long {{ root {long.parent}; }}"
        with self._nginx(f"{answer}\n{files}", pinned=False) as proxy:
            yield proxy

    def peers(
        self, origin: Proxy
    ) -> Iterator[tuple[str, Callable[[], contextlib.AbstractContextManager[Proxy]]]]:
        """Yield the proxies that can run here."""
        address = origin.base.rpartition("/")[2]
        pool = f"upstream origin {{ server {address}; keepalive 64; keepalive_requests 1000000000; }}"
        head = (
            'proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";'
            " proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;"
            " proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Request-ID $request_id;"
        )
        yield "nginx", lambda: self._nginx(f"location / {{ {head} }}", pool)
        mirror = f"location / {{ mirror /mirror; {head} }} location = /mirror {{ internal; {head} }}"
        yield "nginx mirror", lambda: self._nginx(mirror, pool)
        if shutil.which("haproxy"):
            yield "haproxy", lambda: self._haproxy(address)
        if (python := _peer("python")) and _imports(python, "aiohttp"):
            command = [python, "-m", "bench.aiohttp_proxy"]
            yield "aiohttp", lambda: self._started([*command, str(self._port()), origin.base])
        if mitmdump := _peer("mitmdump"):
            yield "mitmdump", lambda: self._mitmdump(mitmdump, origin)
        yield "gateway", lambda: self.gateway(origin)
        for mode in ("on", "slow", "dead", "failing"):
            yield f"gateway, shadow {mode}", lambda mode=mode: self._shadowed(origin, mode)  # type: ignore[misc]  # bound now

    @contextmanager
    def gateway(self, origin: Proxy, tap: Path | None = None) -> Iterator[Proxy]:
        """Run a process of the gateway as it is run, from a table on disk and without a database."""
        home = self._folder / f"home{self._next()}"
        plan = RoutePlan(
            routes=(PlannedRoute(template="/rps/orders/{id}", effect="read", sample=1.0 if tap else 0.0),)
        )
        TableCopy(home / "gateway", "bench").save(CopiedTable(UUID(int=1), 1, 0, plan))
        file = home / "migration.toml"
        file.write_text(
            f'[migration]\nname = "bench"\norg = "bench"\n[legacy]\nbase_url = "{origin.base}"\n',
            encoding="utf-8",
        )
        port = self._port()
        environment = {
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "CARAVAN_HOME": str(home),
            "CARAVAN_LOG_LEVEL": "error",
            "CARAVAN_GATEWAY_ACCESS_LOG": "0",
            "CARAVAN_GATEWAY_ADMIN_PORT": str(self._port()),
            **({"CARAVAN_GATEWAY_TAP": str(tap)} if tap else {}),
        }
        command = [sys.executable, "-m", "caravan.entry.gateway", str(file), "127.0.0.1", str(port)]
        with self._started(command, environment, port=port) as proxy:
            yield proxy

    @contextmanager
    def _shadowed(self, origin: Proxy, mode: str) -> Iterator[Proxy]:
        tap = self._folder / f"tap{self._next()}"
        with ExitStack() as stack:
            if mode != "dead":
                reader = subprocess.Popen([sys.executable, "-m", "bench.tap_reader", str(tap), mode])
                stack.callback(reader.wait, 10)
                stack.callback(reader.terminate)
                _until(tap.exists)
            yield stack.enter_context(self.gateway(origin, tap))

    def _nginx(
        self, locations: str, pool: str = "", *, pinned: bool = True
    ) -> contextlib.AbstractContextManager[Proxy]:
        port, folder = self._port(), self._folder / f"nginx{self._next()}"
        folder.mkdir()
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{ worker_connections {IDLE + 1000}; }}\nhttp {{ access_log off; keepalive_requests 1000000000;\n"
            f"{places}\n{pool}\nserver {{ listen 127.0.0.1:{port} backlog=2048;\n{locations}\n}} }}\n",
            encoding="utf-8",
        )
        command = ["nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]
        return self._started(command, port=port, pinned=pinned)

    def _haproxy(self, origin: str) -> contextlib.AbstractContextManager[Proxy]:
        port, file = self._port(), self._folder / f"haproxy{self._next()}.cfg"
        file.write_text(
            "global\n nbthread 1\n maxconn 5000\ndefaults\n mode http\n timeout connect 3s\n timeout client 60s\n"
            f" timeout server 60s\n option forwardfor\n unique-id-format %[uuid]\nfrontend f\n bind 127.0.0.1:{port}\n"
            " unique-id-header X-Request-ID\n default_backend b\nbackend b\n http-reuse always\n"
            f" server s {origin}\n",
            encoding="utf-8",
        )
        return self._started(["haproxy", "-db", "-f", str(file)], port=port)

    def _mitmdump(self, command: str, origin: Proxy) -> contextlib.AbstractContextManager[Proxy]:
        port = self._port()
        options = [
            "--mode",
            f"reverse:{origin.base}",
            "--listen-host",
            "127.0.0.1",
            "--listen-port",
            str(port),
        ]
        return self._started([command, "-q", *options], port=port)

    @contextmanager
    def _started(
        self,
        command: list[str],
        environment: Mapping[str, str] | None = None,
        *,
        port: int = 0,
        pinned: bool = True,
    ) -> Iterator[Proxy]:
        port = port or int(command[-2])
        core = ["taskset", "-c", str(self._core)] if pinned else []
        with (self._folder / f"log{self._next()}").open("wb") as log:
            process = subprocess.Popen(
                [*core, *command], env={**os.environ, **(environment or {})}, stdout=log, stderr=log
            )
        try:
            _until(lambda: _listens(port) or process.poll() is not None)
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended:\n{Path(log.name).read_text(encoding='utf-8')}")
            yield Proxy(f"http://127.0.0.1:{port}", (psutil.Process(process.pid),))
        finally:
            process.terminate()
            process.wait(30)

    def _next(self) -> int:
        self._number += 1
        return self._number

    @staticmethod
    def _port() -> int:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port: int = probe.getsockname()[1]
            return port


def _peer(name: str) -> str | None:
    """Return a program of the environment whose interpreter BENCH_PEERS names, else of PATH."""
    python = os.environ.get("BENCH_PEERS")
    return shutil.which(name, path=str(Path(python).parent)) if python else shutil.which(name)


def _imports(python: str, module: str) -> bool:
    return (
        subprocess.run([python, "-c", f"import {module}"], check=False, capture_output=True).returncode == 0
    )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError("a server did not start")
        time.sleep(0.02)
