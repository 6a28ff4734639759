"""A conductor that is killed goes on from its last save: nothing of before is lost, nothing is counted twice."""

import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caravan.core.database import DatabaseAddress
from caravan.entry.tenants import ensured_tenants
from caravan.migration.conductor import Overview, overview
from caravan.migration.config import read_config
from caravan.migration.gateway.tap import Copy, encode_copy
from caravan.migration.units import Scope, connected
from tests.integration.migration.conductor.conducting import FILE, ORDERS, copy, saying
from tests.integration.migration.gateway.running import eventually, side
from tools.free_ports import free_port


@contextmanager
def process(file: Path, tap: Path, address: DatabaseAddress) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {
        **os.environ,
        "DATABASE_URL": address.url,
        "CARAVAN_GATEWAY_TAP": str(tap),
        "CARAVAN_CONDUCTOR_ADMIN_PORT": str(free_port()),
    }
    with (file.parent / "log").open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "caravan.entry.conductor", str(file)],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield running
    finally:
        running.kill()
        running.wait(10)


def feed(tap: Path, *copies: Copy) -> None:
    with socket.socket(socket.AF_UNIX) as gateway:
        eventually(lambda: gateway.connect_ex(str(tap)) == 0)
        for one in copies:
            frame = encode_copy(one)
            gateway.sendall(struct.pack("!I", len(frame)) + frame)


def test_a_killed_conductor_goes_on_from_its_last_save(own_database: DatabaseAddress) -> None:
    with (
        side(saying(ORDERS)) as old,
        side(saying({**ORDERS, "total": 13})) as new,
        tempfile.TemporaryDirectory(prefix="t") as folder,
    ):
        file, tap = Path(folder) / "migration.toml", Path(folder) / "tap"
        file.write_text(FILE.format(old=old.url, new=new.url, more=""))
        config = read_config(file)
        org, _ = ensured_tenants(own_database, config.migration.org, None)

        def seen() -> Overview:
            with connected(own_database, read_only=True) as connection:
                return overview(connection, Scope(org, config.migration.name), config)

        def judged() -> tuple[int, int, int]:
            route, conductor = seen().routes[0], seen().conductor
            counted = route.coverage.judged if route.coverage else 0
            return counted, conductor.taken if conductor else 0, route.old.requests

        with process(file, tap, own_database) as first:
            feed(tap, *(copy() for _ in range(120)))
            eventually(lambda: judged() == (120, 120, 120), patience=20)
            before = seen().differences
            first.send_signal(signal.SIGKILL)
            first.wait(10)
        with process(file, tap, own_database) as second:
            feed(tap, *(copy() for _ in range(30)))
            eventually(lambda: judged() == (150, 150, 150), patience=20)
            after = seen().differences
            second.send_signal(signal.SIGTERM)
            assert second.wait(10) == 0
        assert [one.id for one in before] == [one.id for one in after]
        assert (before[0].first_at, before[0].reported) == (after[0].first_at, True)
        against = [one.members[0].against for one in (before[0], after[0])]
        assert against[0] < against[1] <= 150
