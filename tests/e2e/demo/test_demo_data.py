"""The demonstration of the data half, shortened: its parts that need no server of another kind, and what it says of those that do."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping

from caravan.core.database import DatabaseAddress
from tests.fixtures.command_line import ROOT


def demo(database: DatabaseAddress, *options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept: Mapping[str, str] = {
        name: value for name, value in os.environ.items() if name not in {"CI", "CARAVAN_REQUIRE_ALL"}
    }
    return subprocess.run(
        [sys.executable, "scripts/demo_data.py", "--limit", "240", *options],
        cwd=ROOT,
        env={**kept, "DATABASE_URL": database.url, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def test_a_source_in_use_is_loaded_followed_and_verified_and_nothing_is_left(
    own_database: DatabaseAddress,
) -> None:
    done = demo(own_database, "--only", "sqlite", "--orders", "50")

    assert done.returncode == 0, done.stdout + done.stderr
    arrived = re.search(
        r"every order arrived, once, also those that came meanwhile: (\d+) of (\d+)", done.stdout
    )
    assert arrived is not None
    assert arrived[1] == arrived[2]
    assert int(arrived[1]) > 50
    assert "ok     sqlite   verified to the field: sqlite: same" in done.stdout
    assert "nothing is left running: 0 processes" in done.stdout
    assert done.stdout.rstrip().endswith("4 promises kept, 0 broken")


def test_a_part_whose_server_is_missing_is_left_out_by_name(own_database: DatabaseAddress) -> None:
    done = demo(own_database, "--only", "mariadb", PATH="/nowhere", CARAVAN_REQUIRE_ALL="1")

    assert done.returncode == 1
    assert "left out mariadb: it needs mariadbd on PATH: apt-get install mariadb-server" in done.stdout
    assert "BROKEN mariadb  every part is shown" in done.stdout
