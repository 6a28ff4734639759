"""A whole dump is loaded exactly as its truth says, each fault named once; a second load changes nothing."""

import json
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from caravan.entry.tenants import ensured_tenants
from caravan.migration.config import read_config
from caravan.migration.load import LoadReport, LoadRequest, run_load, verify
from tests.fixtures.databases import fresh_copy

REPOSITORY = Path(__file__).resolve().parents[4]
MIGRATION = REPOSITORY / "examples" / "rps" / "migration.toml"
SAMPLE = REPOSITORY / "examples" / "rps" / "dump"
FULL = REPOSITORY.parent / "shared" / "data" / "rps"
QUARANTINED = "amount.not_a_number"


@pytest.fixture(scope="module", params=[SAMPLE, FULL], ids=["sample", "full"])
def dump(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    if not (folder / "truth.json").exists():
        pytest.skip(
            f"the full RPS dump is not here; put it into {FULL.relative_to(REPOSITORY.parent)} beside the repository"
        )
    return folder


@pytest.fixture(scope="module")
def truth(dump: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((dump / "truth.json").read_bytes())
    return found


@pytest.fixture(scope="module")
def database(
    postgres_server: DatabaseAddress, template_database: str, dump: Path
) -> Iterator[DatabaseAddress]:
    """A database for this dump alone."""
    with fresh_copy(postgres_server, template_database) as address:
        yield address


@pytest.fixture(scope="module")
def request_for(
    database: DatabaseAddress, dump: Path, tmp_path_factory: pytest.TempPathFactory
) -> LoadRequest:
    return LoadRequest(
        config=read_config(MIGRATION),
        database=database,
        tenants=lambda org, client: ensured_tenants(database, org, client),
        home=tmp_path_factory.mktemp("load"),
        source_override=dump,
        workers=2,
    )


@pytest.fixture(scope="module")
def report(request_for: LoadRequest) -> LoadReport:
    return run_load(request_for)


def test_everything_is_read_and_all_but_the_refused_is_loaded(
    report: LoadReport, truth: dict[str, Any]
) -> None:
    assert {name: item.read for name, item in report.data_sets.items()} == truth["collections"]
    for name, item in report.data_sets.items():
        assert item.loaded == truth["loaded"][name]
        assert item.loaded + item.unchanged + item.quarantined == item.read
    assert report.exit_code == 0
    assert all(check["ok"] for check in report.checks.values()), report.checks


def test_each_fault_is_named_once(report: LoadReport, truth: dict[str, Any]) -> None:
    named = defaultdict(list)
    for finding in report.findings:
        named[finding.kind].append((finding.key, finding.field))
    named[QUARANTINED] = [(str(item.key), item.field) for item in report.quarantine]
    expected = {
        kind: sorted((fault["_id"], fault["field"]) for fault in faults)
        for kind, faults in truth["faults"].items()
    }
    following = named.pop("reference.quarantined")
    assert len(following) == truth["loaded"]["transactions_without_order"]
    assert {kind: sorted(places) for kind, places in named.items()} == expected


def test_lines_states_and_sums_are_those_of_the_truth(
    database: DatabaseAddress, report: LoadReport, truth: dict[str, Any]
) -> None:
    with psycopg.connect(database.libpq(Role.SYSTEM)) as target:
        row = target.execute(
            "SELECT (SELECT count(*) FROM order_items), (SELECT sum(subtotal_amount) FROM orders),"
            " (SELECT count(*) FROM transactions WHERE order_id IS NULL)"
        ).fetchone()
        states = target.execute("SELECT state, count(*) FROM legacy_rps.orders GROUP BY state").fetchall()
    loaded = truth["loaded"]
    assert row == (loaded["order_lines"], Decimal(loaded["amount_sum"]), loaded["transactions_without_order"])
    assert dict(states) == loaded["by_state"]
    assert Decimal(report.data_sets["orders"].sums["subtotal_amount"]) == Decimal(loaded["amount_sum"])


def test_a_second_load_changes_nothing(
    request_for: LoadRequest, report: LoadReport, truth: dict[str, Any]
) -> None:
    again = run_load(request_for)
    assert {name: item.loaded for name, item in again.data_sets.items()} == dict.fromkeys(
        truth["collections"], 0
    )
    assert {name: item.unchanged for name, item in again.data_sets.items()} == {
        name: truth["loaded"][name] for name in truth["collections"]
    }
    assert again.checksums == report.checksums
    assert again.findings == report.findings


def test_the_target_equals_its_source(request_for: LoadRequest, report: LoadReport) -> None:
    assert report.exit_code == 0
    assert verify(request_for).ok
