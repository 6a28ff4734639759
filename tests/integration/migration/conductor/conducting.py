"""A conductor in a thread of its own, fed by hand with copies as a gateway writes them."""

import asyncio
import hashlib
import json
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.migration.conductor import Conductor, ConductorOptions, Overview, overview
from caravan.migration.config import MigrationConfig, read_config_text
from caravan.migration.gateway.tap import Copy, encode_copy
from caravan.migration.units import (
    Coordinator,
    Publication,
    Scope,
    UnitValues,
    connected,
    held_lease,
    record_measurement,
    stored_units,
)
from tests.integration.migration.gateway.running import Received, eventually

FILE = """
[migration]
name = "shop"
org = "retail"
[legacy]
base_url = "{old}"
[new]
base_url = "{new}"
[[units]]
name = "orders"
[[routes]]
template = "/orders"
effect = "read"
key = "header:X-Client"
unit = "orders"
[[routes]]
template = "/orders"
methods = ["POST"]
effect = "write"
key = "header:X-Client"
unit = "orders"
[shadow]
sample = 1.0
extra_load = 1.0
p95_rise = 10
[gates]
stages = [10, 100]
min_keys = 300
soak = 0
r0 = 0.05
latency_band = 10
delta = 0.5
most_undetected = 0.1
[canary]
warm_up = 0
{more}
"""
CLEAN: Mapping[str, Mapping[str, Any]] = {
    "contract": {"frozen": True, "coverage": 0.9},
    "replay": {"judged": 400, "unexplained": 0},
    "shadow": {"judged": 400, "mismatched": 0, "reported": 0, "coverage": 0.9, "bound": 0.0075},
    "sides": {"old": True, "new": True},
}
ORDERS = {"total": 12, "items": [1, 2]}


@dataclass
class Gateways:
    """Remembers what it was told."""

    told: list[UnitValues] = field(default_factory=list)

    def publish(self, publication: Publication) -> Mapping[str, Any]:
        self.told.append(publication.step.values)
        return {"step": publication.step.name}

    def in_force(self, scope: Scope, unit: str) -> UnitValues | None:
        del scope, unit
        return None


def saying(body: Any) -> Callable[[Received], None]:  # noqa: ANN401 - JSON
    """A side that answers everything with this."""
    text = json.dumps(body).encode()
    return lambda request: request.answer(text, headers=b"Content-Type: application/json\r\n")


def copy(
    key: str = "ann",
    *,
    method: str = "GET",
    tags: str = "side:old",
    status: int = 200,
    body: Any = None,  # noqa: ANN401 - JSON
    seconds: float = 0.01,
) -> Copy:
    """An exchange as the gateway hands it over; status 0 is no answer."""
    content = json.dumps(ORDERS if body is None else body).encode()
    request = f"{method} /orders HTTP/1.1\r\nHost: shop\r\nX-Client: {key}\r\n\r\n"
    answer = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n\r\n" if status else ""
    hashed = "key:" + hashlib.sha256(key.encode()).hexdigest()[:32]
    return Copy(
        str(uuid4()).encode(),
        time.time(),
        seconds,
        request.encode(),
        b"",
        answer.encode(),
        content if status else b"",
        hashed.encode(),
        tags.encode(),
    )


class Running:
    """One conductor. ``stop`` ends it in order, ``drop`` as if it were killed: nothing more is saved."""

    def __init__(self, conductor: Conductor, tap: Path) -> None:
        self._tap = tap
        self.conductor = conductor
        self.failure: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._socket: socket.socket | None = None

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self.conductor.run(self._stop))
        except BaseException as error:  # noqa: BLE001 - told to the test
            self.failure = error
        finally:
            self._loop.close()

    def feed(self, *copies: Copy) -> None:
        if self._socket is None:
            eventually(lambda: self.conductor.ready)
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(str(self._tap))
        frames = (encode_copy(one) for one in copies)
        self._socket.sendall(b"".join(struct.pack("!I", len(frame)) + frame for frame in frames))

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
        if self._socket is not None:
            self._socket.close()


@dataclass
class Shop:
    """A migration with one unit, in a database that others use too."""

    address: DatabaseAddress
    scope: Scope
    config: MigrationConfig
    connection: psycopg.Connection
    gateways: Gateways = field(default_factory=Gateways)

    def seen(self) -> Overview:
        with connected(self.address, read_only=True) as connection:
            return overview(connection, self.scope, self.config)

    def values(self) -> UnitValues:
        return stored_units(self.connection, self.scope)["orders"].values

    def advance(self, *targets: str) -> None:
        for kind, figures in CLEAN.items():
            record_measurement(self.connection, self.scope, "orders", kind, figures, at=utc_now())
        coordinator = Coordinator(self.connection, self.scope, self.config, self.gateways, by="ann")
        for target in targets:
            with held_lease(self.connection, self.scope) as lease:
                coordinator.advance(lease, "orders", target)

    def open_canary(self) -> None:
        self.advance("contracted", "replayed", "shadow-read", "canary:10")

    @contextmanager
    def conducted(self, **options: Any) -> Iterator[Running]:  # noqa: ANN401 - fields of ConductorOptions
        with tempfile.TemporaryDirectory(prefix="t") as folder:
            tap = Path(folder) / "tap"
            chosen = ConductorOptions(tap, str(uuid4()), every=0.05, save_every=0.05, **options)
            running = Running(
                Conductor(self.address, self.scope, self.config, chosen, publisher=self.gateways), tap
            )
            try:
                yield running
            finally:
                running.stop()
        assert running.failure is None, running.failure


@contextmanager
def shop(address: DatabaseAddress, old: str, new: str, more: str = "") -> Iterator[Shop]:
    """Make one."""
    config = read_config_text(Path("migration.toml"), FILE.format(old=old, new=new, more=more))
    with connected(address) as connection:
        yield Shop(address, Scope(uuid4(), "shop"), config, connection)
