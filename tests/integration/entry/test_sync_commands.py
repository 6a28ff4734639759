"""`caravan sync` as a user runs it."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fixtures.command_line import until
from tests.fixtures.toy.shop import Shop

_FILE = """
[migration]
name = "toy"
org = "toy-shop"
[sources.shop]
kind = "sqlite"
path = "legacy.db"
[[data_sets]]
name = "customers"
source = "shop"
collection = "customers"
mapping = "tests.fixtures.toy.rows_mapping:customer"
"""


def test_it_runs_tells_how_it_is_and_ends_in_order(
    caravan: Callable[..., Any], shop: Shop, tmp_path: Path
) -> None:
    file, legacy, told = tmp_path / "migration.toml", tmp_path / "legacy.db", tmp_path / "told"
    file.write_text(_FILE)
    connection = sqlite3.connect(legacy)
    connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
    connection.close()

    def flows() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(caravan("sync", "status", file, "--json").out)
        return found

    assert flows() == []
    with told.open("w") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "caravan.entry.cli", "sync", "run", str(file)], stdout=log, stderr=log
        )
    try:
        until(lambda: [each for each in flows() if each["state"] == "running"], what="a flow that runs")
        second = caravan("sync", "run", file)
        assert (second.code, "flow_held" in second.err) == (1, True)
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0, told.read_text()
    (flow,) = flows()
    assert (flow["state"], flow["source"], flow["direction"], flow["mode"]) == (
        "stopped", "shop", "forward", "apply",
    )  # fmt: skip
    assert "shop" in caravan("sync", "status", file).out
    assert caravan("sync", "release", file).code == 0
    assert flows() == []


def test_a_dump_cannot_be_followed(caravan: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "migration.toml"
    file.write_text(_FILE.replace('kind = "sqlite"', 'kind = "mongodump"'))
    done = caravan("sync", "run", file)
    assert (done.code, "flow_nothing_to_follow" in done.err) == (2, True)
