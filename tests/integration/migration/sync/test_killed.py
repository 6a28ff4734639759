# ruff: noqa: S608 - statements of a test, on names of its own making
"""A process that carries a flow is killed where it hurts most; the next one goes on, and nothing is lost or doubled."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.capture import remove_changes
from tests.fixtures.legacy_stores import SqliteLegacy, make_tables
from tests.fixtures.toy.shop import make_shop
from tests.integration.migration.sync.test_both_ways import Pair

_ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def database(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> DatabaseAddress:
    make_shop(module_database, tmp_path_factory.mktemp("tables"))
    return module_database


@pytest.fixture
def pair(database: DatabaseAddress, tmp_path: Path) -> Iterator[Pair]:
    legacy = SqliteLegacy(tmp_path / "legacy.db")
    make_tables(legacy)
    pair = Pair(database, legacy, tmp_path)
    forward = pair.setting("forward").party
    forward.prepare()
    forward.carry_on()
    yield pair
    capture = pair.setting("reverse").capture
    remove_changes(capture.kind, capture.place, capture.collections, capture.options)


def carry_and_die(pair: Pair, direction: str, point: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fixtures.killed_flow", str(pair.file), str(pair.org), pair.database.url,
         str(pair.folder / "home"), direction, point],
        cwd=_ROOT, env={**os.environ, "PYTHONPATH": str(_ROOT)}, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode


def legacy_names(pair: Pair) -> list[object]:
    return [row[0] for row in pair.legacy.rows("SELECT name FROM customers ORDER BY name")]


@pytest.mark.parametrize("point", ["prepared", "written", "committed"])
def test_forward_goes_on_wherever_it_was_killed(pair: Pair, point: str) -> None:
    for number in range(8):
        pair.legacy.run(f"INSERT INTO customers (name) VALUES ('C{number}')")
    pair.legacy.run(
        "UPDATE customers SET name = 'changed' WHERE id = 3", "DELETE FROM customers WHERE id = 4"
    )
    assert carry_and_die(pair, "forward", point) == -9
    pair.carry("forward")
    assert pair.ours("SELECT name FROM toy_customers WHERE org_id = %(org)s ORDER BY name") == [
        (row[0],) for row in pair.legacy.rows("SELECT name FROM customers ORDER BY name")
    ]
    flow = pair.ours("SELECT state, rows_refused FROM engine.flows WHERE org_id = %(org)s")
    assert flow == [("stopped", 0)]


def test_reverse_makes_no_row_twice_when_killed_between_the_two_commits(pair: Pair) -> None:
    reverse = pair.setting("reverse").party
    reverse.prepare()
    reverse.carry_on()
    born = [uuid.uuid4() for _ in range(4)]
    for number, row_id in enumerate(born):
        pair.ours(f"INSERT INTO toy_customers (org_id, id, name) VALUES (%(org)s, '{row_id}', 'B{number}')")
    assert carry_and_die(pair, "reverse", "legacy") == -9
    assert legacy_names(pair), "it was to die behind the legacy store's commit"
    pair.ours(f"DELETE FROM toy_customers WHERE id = '{born[0]}'")
    pair.carry("reverse")
    assert legacy_names(pair) == ["B1", "B2", "B3"]
    keys = pair.ours("SELECT count(*), count(DISTINCT key) FROM engine.legacy_keys WHERE org_id = %(org)s")
    assert keys == [(3, 3)]
