"""A whole load: every record is loaded, unchanged or quarantined, and the report says so."""

from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from tests.fixtures.toy.shop import Shop, customers, make_shop, orders


@pytest.fixture
def shop(own_database: DatabaseAddress, tmp_path: Path) -> Shop:
    return make_shop(own_database, tmp_path)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_load_brings_every_record_and_proves_it(shop: Shop, workers: int) -> None:
    shop.dump("customers", customers(30))
    shop.dump("orders", orders(1200, customers=30))
    report = shop.load(workers=workers)
    assert report.exit_code == 0, report.to_json()
    assert {name: (item.read, item.loaded) for name, item in report.data_sets.items()} == {
        "customers": (30, 30),
        "orders": (1200, 1200),
    }
    assert report.data_sets["orders"].rows == {
        "toy_orders": 1200,
        "toy_lines": 2400,
        "legacy_rps.toy_side": 1200,
    }
    assert report.data_sets["orders"].sums == {"total": "719700.0000"}
    assert all(check["ok"] for check in report.checks.values())
    assert shop.value("SELECT count(*) FROM toy_orders WHERE customer_id IS NOT NULL") == 1200
