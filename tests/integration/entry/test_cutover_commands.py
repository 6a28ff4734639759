"""`caravan cutover` and `caravan evidence` as a user runs them."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from caravan.migration.cutover.fences.sqlite import SqliteFence
from tests.fixtures.toy.shop import Shop

FILE = """
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
[[units]]
name = "people"
data_sets = ["customers"]
[[units]]
name = "audit"
[[routes]]
template = "/customers"
methods = ["POST"]
effect = "write"
key = "address"
unit = "people"
[[routes]]
template = "/log"
methods = ["POST"]
effect = "write"
key = "address"
unit = "audit"
"""


@pytest.fixture
def file(tmp_path: Path, shop: Shop) -> Path:
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
    written = tmp_path / "migration.toml"
    written.write_text(FILE)
    return written


def test_a_plan_prints_every_step_and_what_stands_against_it_and_changes_nothing(
    caravan: Callable[..., Any], file: Path
) -> None:
    planned = caravan("cutover", "plan", file, "people")
    assert planned.code == 3
    for said in ("cannot begin now", "FAILED", " 4b wait", " 10 flip", "undone: the fence is taken down"):
        assert said in planned.out
    found = json.loads(caravan("cutover", "plan", file, "people", "--json").out)
    assert (found["open"], found["to"], len(found["steps"])) == (False, "new", 15)
    assert caravan("cutover", "plan", file, "nobody").code == 2
    with closing(sqlite3.connect(file.parent / "legacy.db")) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").fetchone() == (
            0,
        )


def test_what_cannot_be_asked_is_said_in_words(caravan: Callable[..., Any], file: Path) -> None:
    early = caravan("cutover", "switch", file, "people")
    assert (early.code, "unit_edge_missing" in early.err) == (2, True)
    silent = caravan("cutover", "complete", file, "people")
    assert (silent.code, "cutover_consent_missing" in silent.err) == (2, True)
    drill = caravan("cutover", "drill", file, "people", "--probes", "nowhere")
    assert drill.code == 2
    assert "nothing was cut short" in caravan("cutover", "settle", file, "people").out
    other = caravan("cutover", "plan", file, "audit")
    assert (other.code, "cutover_unit_store" in other.err) == (2, True)


def test_a_fence_that_stands_is_told_printed_and_taken_down(caravan: Callable[..., Any], file: Path) -> None:
    assert "no fence stands" in caravan("cutover", "release-fence", file, "people").out
    fence, transition = SqliteFence(file.parent / "legacy.db", ["customers"]), uuid4()
    fence.put_up(transition, within=20)
    told = json.loads(caravan("cutover", "status", file, "people", "--json").out)
    assert (told["flows"]["forward"]["carried"], told["flows"]["forward"]["seconds"]) == (False, None)
    assert (
        "flow forward: at None, never begun, carried by NO process"
        in caravan("cutover", "status", file, "people").out
    )
    printed = caravan("cutover", "release-fence", file, "people", "--print").out
    assert printed.count("DROP TRIGGER") == 3
    assert fence.is_up(transition)
    assert f"{transition}: taken down" in caravan("cutover", "release-fence", file, "people").out
    assert list(fence.standing()) == []


def test_units_that_split_a_table_are_refused(
    caravan: Callable[..., Any], file: Path, tmp_path: Path
) -> None:
    uses = tmp_path / "uses.jsonl"
    one = {"request": "1", "route": "POST /customers", "table": "log", "operation": "insert"}
    uses.write_text(f"{json.dumps(one)}\n{json.dumps({**one, 'route': 'POST /log'})}\n")
    split = caravan("cutover", "units", file, "--uses", uses)
    assert (split.code, "cutover_units_split" in split.err) == (3, True)
    assert "outbox" in split.out
    uses.write_text(json.dumps(one))
    assert caravan("cutover", "units", file, "--uses", uses).code == 0
    uses.write_text("{")
    assert caravan("cutover", "units", file, "--uses", uses).code == 2


def test_evidence_is_exported_and_verified(caravan: Callable[..., Any], file: Path, tmp_path: Path) -> None:
    caravan("cutover", "switch", file, "people")
    out = tmp_path / "evidence"
    exported = caravan("evidence", "export", file, "--out", out)
    assert exported.code == 0, exported.err
    stamp = exported.out.split()[-1]
    assert "all of it holds" in caravan("evidence", "verify", out, "--manifest", stamp).out
    assert caravan("evidence", "export", file, "--out", out).code == 2
    (out / "journal.jsonl").write_text((out / "journal.jsonl").read_text() + "\n{}\n")
    broken = caravan("evidence", "verify", out)
    assert (broken.code, "journal.jsonl: it was changed" in broken.out) == (1, True)
    assert caravan("evidence", "verify", tmp_path).code == 2
