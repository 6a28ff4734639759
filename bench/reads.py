"""Reads of the service with everything on against a bare route on the same server, driver and database.

``ratios`` are of requests per second, ``cpu_ratios`` of processor time per request in the server's process (the other
way round, so that more is better there too): the latter hardly feel what else the machine does.

Service: one process of the API as it is run (token, tenant, limits leased from Valkey, access log into a file, metrics).
Bare: `bench/bare_reads.py`. Both on uvicorn with uvloop. Repetitions are interleaved; ratios are of requests per second
within one repetition.
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
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg

from bench.generated_orders import ORG, generate_orders
from bench.load_generator import measure
from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.database.migrate import migrate
from caravan.core.embedded.servers import embedded_servers
from caravan.core.settings import Settings
from caravan.platform.identity import Identity, add_user

CONNECTIONS: Final = (1, 16, 64)
_POOL: Final = "4"
_EMAIL, _PASSWORD = "bench@example.com", "a password for the bench"
_LIMIT: Final = 1_000_000


@dataclass(frozen=True)
class Side:
    """One server: where it answers, as which process, and what is sent with each request."""

    base: str
    process: psutil.Process
    headers: Mapping[str, str]

    def measured(self, path: str, *, connections: int, seconds: float) -> dict[str, Any]:
        """Return what the load generator saw and the processor time of this process per request."""
        before = self._used()
        figures = measure(self.base + path, self.headers, connections=connections, seconds=seconds)
        figures["cpu_us"] = round((self._used() - before) / figures["requests"] * 1e6, 1)
        return figures

    def _used(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return requests per second and percentiles of both sides at 1, 16 and 64 connections, and their ratios."""
    orders = arguments.scale or 25_000
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        servers = stack.enter_context(
            embedded_servers(home / "servers", want_postgres=True, want_valkey=True, durable=False)
        )
        assert servers.postgres is not None
        assert servers.valkey is not None
        address = _filled(DatabaseAddress.parse(servers.postgres.dsn()), orders)
        asyncio.run(_add_reader(address, home))
        base, process = stack.enter_context(_service(address, servers.valkey.redis_url(), home))
        sides = {
            "service": Side(base, process, {"Authorization": f"Bearer {_token(base)}"}),
            "bare": Side(*stack.enter_context(_bare(address, home)), {}),
        }
        paths = {"list": "/api/v1/orders?limit=20", "detail": f"/api/v1/orders/{_an_order(address)}"}
        for path in paths.values():
            bodies = [_body(side.base + path, side.headers) for side in sides.values()]
            assert bodies[0] == bodies[1], f"{path}: the sides differ"
        rounds = [_round(number, sides, paths, arguments.seconds) for number in range(arguments.repeat)]
    return {
        "orders": orders,
        "bar": 0.5,
        "ratios": _medians(rounds, "ratio"),
        "cpu_ratios": _medians(rounds, "cpu_ratio"),
        "rounds": rounds,
    }


def _round(
    number: int, sides: Mapping[str, Side], paths: Mapping[str, str], seconds: float
) -> dict[str, Any]:
    measured: dict[str, Any] = {}
    for name, path in paths.items():
        for connections in CONNECTIONS:
            both: dict[str, Any] = {}
            for side in sides if number % 2 == 0 else list(sides)[::-1]:
                sides[side].measured(path, connections=connections, seconds=1)
                both[side] = sides[side].measured(path, connections=connections, seconds=seconds)
            both["ratio"] = round(both["service"]["per_second"] / both["bare"]["per_second"], 3)
            both["cpu_ratio"] = round(both["bare"]["cpu_us"] / both["service"]["cpu_us"], 3)
            measured[f"{name}_{connections}"] = both
            print(name, connections, json.dumps(both), file=sys.stderr)
    return measured


def _medians(rounds: list[dict[str, Any]], ratio: str) -> dict[str, float]:
    return {name: statistics.median(each[name][ratio] for each in rounds) for name in rounds[0]}


def _filled(server: DatabaseAddress, orders: int) -> DatabaseAddress:
    with psycopg.connect(server.libpq(None), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench")
    address = server.named("bench")
    migrate(address)
    generate_orders(address, orders)
    return address


async def _add_reader(address: DatabaseAddress, home: Path) -> None:
    system = Database(address, role=Role.SYSTEM)
    identity = Identity.open(Settings(environment="test", home=home), system)
    await add_user(identity, org=str(ORG), email=_EMAIL, role="org-owner", password=_PASSWORD)
    await system.close()


@contextmanager
def _service(address: DatabaseAddress, redis_url: str, home: Path) -> Iterator[tuple[str, psutil.Process]]:
    environment = {
        "DATABASE_URL": address.url,
        "REDIS_URL": redis_url,
        "CARAVAN_HOME": str(home),
        "CARAVAN_ENVIRONMENT": "test",
        "CARAVAN_RATE_LIMIT_REQUESTS": str(_LIMIT),
        "CARAVAN_READ_POOL": _POOL,
    }
    with _served("caravan.entry.api", environment, home) as served:
        yield served


@contextmanager
def _bare(address: DatabaseAddress, home: Path) -> Iterator[tuple[str, psutil.Process]]:
    with _served(
        "bench.bare_reads", {"DATABASE_URL": address.url, "CARAVAN_READ_POOL": _POOL}, home
    ) as served:
        yield served


@contextmanager
def _served(module: str, environment: Mapping[str, str], home: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run a server in a process of its own, its log into a file, until the block ends."""
    port = _free_port()
    with (home / f"{module}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            env=os.environ | environment | {"CARAVAN_PORT": str(port)},
            stdout=log,
            stderr=log,
        )
        try:
            base = f"http://127.0.0.1:{port}"
            _wait(base, process)
            yield base, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(20)


def _wait(base: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(base.rpartition(":")[2]))) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server at {base} did not start (exit code {process.poll()})")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _token(base: str) -> str:
    body = json.dumps({"identifier": _EMAIL, "password": _PASSWORD}).encode()
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{base}/api/v1/auth/login", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own server
        token: str = json.load(answer)["data"]["access_token"]
    change = json.dumps({"current": _PASSWORD, "new": f"{_PASSWORD}, of my own"}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    _body(f"{base}/api/v1/me/password", headers, change)
    return token


def _an_order(address: DatabaseAddress) -> str:
    """Return an order with the mean number of lines, 16."""
    with psycopg.connect(address.libpq(Role.SYSTEM)) as connection:
        row = connection.execute(
            "SELECT order_id::text FROM order_items GROUP BY order_id HAVING count(*) = 16 LIMIT 1"
        ).fetchone()
    assert row is not None
    return str(row[0])


def _body(url: str, headers: Mapping[str, str], data: bytes | None = None) -> bytes:
    request = urllib.request.Request(url, data, dict(headers))  # noqa: S310 - our own server
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own server
        body: bytes = answer.read()
        return body
