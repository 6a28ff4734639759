"""Embedded servers are watched; servers of yours are not."""

from typing import Any

import pytest

from caravan.core.database import DatabaseAddress
from caravan.core.embedded import RunningServers, ServerDidNotStartError
from caravan.entry.addresses import Addresses

ADDRESS = DatabaseAddress("postgresql://nobody@127.0.0.1:1/nothing")


class Dead:
    """A server that does not run, and starts at the second attempt."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def running(self) -> None:
        return None

    def stop(self) -> None:
        self.calls.append("stop")

    def start(self, _report: object) -> None:
        self.calls.append("start")
        if self.calls.count("start") == 1:
            raise ServerDidNotStartError("not yet")


def test_servers_of_yours_are_left_to_you() -> None:
    assert Addresses(ADDRESS, None, None).watches() == []


def test_a_server_that_does_not_come_back_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    dead: Any = Dead()
    (watch,) = Addresses(ADDRESS, None, None, RunningServers(None, None, [dead])).watches()
    watch.look()
    watch.look()
    assert dead.calls == ["stop", "start", "stop", "start"]


def test_children_get_the_addresses_and_so_start_no_servers() -> None:
    whole = Addresses(ADDRESS, "unix:///x", "redis+socket:///x").environment()
    assert whole == {"DATABASE_URL": ADDRESS.url, "REDIS_URL": "unix:///x", "BROKER_URL": "redis+socket:///x"}
    assert Addresses(ADDRESS, None, None).environment() == {"DATABASE_URL": ADDRESS.url}
