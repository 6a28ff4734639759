"""A dry run says what the load then says: the same findings, the same quarantine, and nothing written."""

from dataclasses import replace
from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.config import read_config
from caravan.migration.load import LoadReport, LoadRequest, run_load
from tests.fixtures.toy.shop import ORG, Shop, customers, make_shop, oid, orders

SAMPLE = Path(__file__).resolve().parents[4] / "examples" / "rps" / "migration.toml"
ARCHIVE = (
    '\n[[data_sets]]\nname = "archive"\nsource = "shop"\ncollection = "archive"\nafter = ["orders"]\n'
    'mapping = "tests.fixtures.toy.mapping:order"\n'
)


@pytest.fixture
def shop(own_database: DatabaseAddress, tmp_path: Path) -> Shop:
    return make_shop(own_database, tmp_path)


def told(report: LoadReport) -> dict[str, object]:
    """Return what both kinds of run can say."""
    figures = {
        name: (item.read, item.loaded + item.unchanged, item.quarantined, item.findings, item.rows)
        for name, item in report.data_sets.items()
    }
    refused = [(item.kind, item.data_set, item.key, item.offset, item.reason) for item in report.quarantine]
    return {"findings": report.findings, "quarantine": sorted(refused, key=str), "figures": figures}


def everything_wrong(shop: Shop) -> None:
    people = customers(10)
    people[3]["name"] = "refuse"
    shop.dump("customers", [*people, {**people[4], "name": "twice"}])
    found = orders(700, customers=10)
    found[5]["customer"] = oid(77_777)
    found[6]["parent"] = oid(10_650)
    found[7]["parent"] = oid(99_999)
    found[8]["number"] = "N10"
    found[9]["total"] = "NaN"
    found[11]["parent"] = found[9]["_id"]
    found[12]["late"] = True
    found[600] = {**found[20], "late": True, "number": "N21", "customer": oid(88_888)}
    found[601]["number"] = None
    shop.dump("orders", found)
    shop.dump("archive", [found[30], *orders(2, customers=10)[:0]])
    shop.describe(ARCHIVE)


def test_a_dry_run_of_the_sample_finds_what_its_load_finds(
    own_database: DatabaseAddress, tmp_path: Path
) -> None:
    request = LoadRequest(
        config=read_config(SAMPLE),
        database=own_database,
        tenants=lambda _org, _client: (ORG, None),
        home=tmp_path,
        workers=0,
    )
    dry = run_load(replace(request, dry_run=True))
    real = run_load(request)
    assert told(dry) == told(real)
    kinds = {item.kind for item in dry.findings}
    assert kinds >= {"reference.missing", "reference.quarantined", "number.repeated", "date.out_of_range"}
    assert (dry.exit_code, dry.waivers) == (real.exit_code, real.waivers)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_dry_run_finds_what_the_load_finds(shop: Shop, workers: int) -> None:
    everything_wrong(shop)
    dry = shop.load(dry_run=True, workers=workers)
    assert shop.value("SELECT count(*) FROM toy_orders") == 0
    real = shop.load(workers=workers)
    assert told(dry) == told(real)
    kinds = [item.kind for item in dry.findings]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "date.out_of_range": 1,
        "number.repeated": 1,
        "reference.missing": 2,
        "reference.quarantined": 71,
    }
    assert [item.kind for item in dry.quarantine].count("key.repeated") == 3
    assert dry.exit_code == real.exit_code == 3


def test_a_dry_run_over_what_is_loaded_says_what_a_second_load_says(shop: Shop) -> None:
    everything_wrong(shop)
    shop.load()
    assert told(shop.load(dry_run=True)) == told(shop.load())


def test_a_reference_to_a_row_that_only_the_target_has_is_not_missing(shop: Shop) -> None:
    shop.dump("customers", customers(10))
    shop.dump("orders", orders(3, customers=10))
    shop.load()
    shop.dump("customers", customers(1))
    assert shop.load(dry_run=True).findings == []


def test_a_renamed_source_is_seen_before_anything_is_loaded(shop: Shop) -> None:
    shop.dump("customers", customers(2))
    shop.dump("orders", [])
    shop.load()
    renamed = shop.file.read_text().replace("[sources.shop]", "[sources.store]").replace('"shop"', '"store"')
    shop.file.write_text(renamed)
    shop.dump("customers", [*customers(2), {"_id": oid(99), "name": "New"}])
    dry = shop.load(dry_run=True)
    assert told(dry)["quarantine"] == told(shop.load())["quarantine"]
    assert ["renamed" in item.reason for item in dry.quarantine] == [True, True]


def test_a_dry_run_that_was_cut_by_damage_still_tells_the_rest(shop: Shop) -> None:
    shop.dump("customers", customers(10))
    found = orders(60, customers=10)
    found[1]["parent"] = oid(99_999)
    file = shop.dump("orders", found)
    file.write_bytes(file.read_bytes()[:-50])
    dry = shop.load(dry_run=True)
    assert [item.kind for item in dry.findings] == ["reference.missing"]
    assert (dry.exit_code, dry.stopped[0].code) == (4, "source_damaged")
