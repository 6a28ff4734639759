"""A unit goes the whole way before a running gateway, there and back, while clients read and write."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.migration.config import read_config_text
from caravan.migration.units import (
    Coordinator,
    Scope,
    connected,
    held_lease,
    record_measurement,
    stage_name,
)
from caravan.migration.units.gateway_publisher import GatewayPublisher
from tests.integration.migration.gateway.running import RunningGateway, eventually, side
from tests.integration.migration.gateway.test_following import Operator, following

CONFIG = read_config_text(
    Path("migration.toml"),
    """
[migration]
name = "shop"
org = "retail"
[[units]]
name = "orders"
[[routes]]
template = "/orders"
methods = ["POST"]
effect = "write"
key = "header:X-User"
unit = "orders"
[[routes]]
template = "/orders/{id}"
effect = "read"
key = "header:X-User"
unit = "orders"
[gates]
stages = [100]
min_keys = 1
soak = 0
[gateway]
hold_seconds = 5
""",
)
FIGURES = {
    "contract": {"frozen": True, "coverage": 1.0},
    "replay": {"judged": 400, "mismatched": 0},
    "shadow": {"judged": 400, "mismatched": 0, "reported": 0, "coverage": 1.0, "bound": 0.0075},
    "sides": {"old": True, "new": True},
}
PROVEN = {"stage": stage_name(100), "action": "promote", "ratio": {"canary_keys": 10}}


class Clients:
    """Four clients that write and read until they are told to stop."""

    def __init__(self, running: RunningGateway) -> None:
        self._running = running
        self.writes: list[int] = []
        self.reads: list[int] = []
        self.stop = threading.Event()

    def work(self, number: int) -> None:
        with self._running.client() as client:
            count = 0
            while not self.stop.is_set():
                user = f"X-User: u{number}\r\n".encode()
                self.writes.append(client.post("/orders", f"{number}-{count}".encode(), user).status)
                self.reads.append(client.get("/orders/1", user).status)
                count += 1

    def more(self) -> None:
        """Wait until each side of the moment has been felt."""
        seen = len(self.writes)
        eventually(lambda: len(self.writes) > seen + 20)


def test_a_unit_is_switched_and_switched_back_under_load_without_a_write_lost_or_doubled(
    module_database: DatabaseAddress, tmp_path: Path
) -> None:
    operator = Operator(module_database)
    scope = Scope(operator.org, "shop")
    publisher = GatewayPublisher(module_database, CONFIG, by="ann")
    with (
        side() as old,
        side() as new,
        following(old, new, operator, module_database, tmp_path) as (running, _),
        connected(module_database) as connection,
        held_lease(connection, scope) as lease,
    ):
        coordinator = Coordinator(connection, scope, CONFIG, publisher, by="ann")
        for kind, figures in FIGURES.items():
            record_measurement(connection, scope, "orders", kind, figures, at=utc_now())
        for state in ("contracted", "replayed", "shadow-read"):
            coordinator.advance(lease, "orders", state)
        clients = Clients(running)
        with ThreadPoolExecutor(4) as pool:
            working = [pool.submit(clients.work, number) for number in range(4)]
            try:
                clients.more()
                written_to_new = []
                for state in ("canary", "switched"):
                    record_measurement(connection, scope, "orders", "canary", PROVEN, at=utc_now())
                    coordinator.advance(lease, "orders", state)
                    clients.more()
                    written_to_new.append(any(request.payload for request in new.requests))
                before = sum(bool(request.payload) for request in old.requests)
                clients.more()
                during = sum(bool(request.payload) for request in old.requests)
                coordinator.back(lease, "orders", "shadow-read")
                clients.more()
            finally:
                clients.stop.set()
            for one in working:
                one.result()
    bodies = [request.payload for request in (*old.requests, *new.requests) if request.payload]
    assert set(clients.writes) == set(clients.reads) == {200}
    assert len(bodies) == len(set(bodies)) == len(clients.writes)
    assert written_to_new == [False, True]
    assert before == during < sum(bool(request.payload) for request in old.requests)
