"""What was changed since the load is found to the field; what was loaded can be taken out again, and nothing else."""

from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.load import UndoRefusedError, undo, verify
from tests.fixtures.toy.shop import ORG, Shop, customers, make_shop, oid, orders


@pytest.fixture
def shop(own_database: DatabaseAddress, tmp_path: Path) -> Shop:
    shop = make_shop(own_database, tmp_path)
    shop.dump("customers", customers(10))
    documents = orders(700, customers=10)
    documents[9]["_id"] = documents[8]["_id"]
    documents[600]["_id"] = documents[7]["_id"]
    documents[5]["total"] = "NaN"
    documents[6]["customer"] = oid(404)
    shop.dump("orders", documents)
    assert shop.load().exit_code == 3
    return shop


def differences(shop: Shop) -> list[tuple[str, str, str | None, str | None, str | None]]:
    report = verify(shop.request())
    assert report.exit_code == 4
    return [(item.table, item.key, item.column, item.expected, item.found) for item in report.differences]


def test_an_untouched_target_is_as_in_the_source(shop: Shop) -> None:
    report = verify(shop.request(workers=2))
    assert report.ok
    assert report.checks["source"] == {"ok": True, "changed_chunks": {}}
    assert set(report.checksums) == {"legacy_rps.toy_side", "toy_customers", "toy_lines", "toy_orders"}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE toy_orders SET total = total + 0.01 WHERE number = 'N650'",
            ("toy_orders", str(oid(10_650)), "total", "650.2500", "650.2600"),
        ),
        (
            "UPDATE toy_orders SET paid = NULL WHERE number = 'N1'",
            ("toy_orders", str(oid(10_001)), "paid", "f", None),
        ),
        (
            "UPDATE toy_orders SET placed_at = placed_at + interval '1 microsecond' WHERE number = 'N2'",
            ("toy_orders", str(oid(10_002)), "placed_at", "1323435000123000", "1323435000123001"),
        ),
        (
            "UPDATE toy_lines SET sku = '' WHERE sku = 'S3-1'",
            ("toy_lines", str(oid(10_003)), "sku", "S3-1", ""),
        ),
        ("DELETE FROM toy_lines WHERE sku = 'S4-0'", ("toy_lines", str(oid(10_004)), None, "a row", None)),
        (
            "INSERT INTO toy_lines SELECT org_id, gen_random_uuid(), order_id, 9, 'x', 1 FROM toy_lines WHERE sku = 'S4-0'",
            ("toy_lines", str(oid(10_004)), None, None, "a row"),
        ),
        (
            "UPDATE toy_customers SET extra = extra || '{\"n\": 3.0}' WHERE name = 'Customer 3'",
            (
                "toy_customers",
                str(oid(3)),
                "extra",
                '{"n": 3, "é": [1.5, null]}',
                '{"n": 3.0, "é": [1.5, null]}',
            ),
        ),
        (
            "UPDATE legacy_rps.toy_side SET raw = '\\x00' WHERE id = (SELECT id FROM toy_orders WHERE number = 'N11')",
            ("legacy_rps.toy_side", str(oid(10_011)), "raw", "00ff", "00"),
        ),
    ],
)
def test_a_changed_row_is_found_to_the_field(
    shop: Shop, statement: str, expected: tuple[str, str, str | None, str | None, str | None]
) -> None:
    shop.rows(statement.replace("%", "%%"))
    assert differences(shop) == [expected]
    report = shop.load()
    assert report.exit_code == 4
    assert not report.checks["checksums"]["ok"]


def test_a_reference_that_was_emptied_is_found_but_one_that_dangles_is_not(shop: Shop) -> None:
    shop.rows("UPDATE toy_orders SET customer_id = NULL WHERE number IN ('N6', 'N12')")
    ((table, key, column, _, found),) = differences(shop)
    assert (table, key, column, found) == ("toy_orders", str(oid(10_012)), "customer_id", None)


def test_a_source_that_changed_since_is_told(shop: Shop) -> None:
    shop.dump("customers", customers(11))
    report = verify(shop.request())
    assert not report.ok
    assert report.checks["source"]["changed_chunks"] == {"customers": [0]}


def test_a_broken_rule_of_the_mapping_fails_the_load(shop: Shop) -> None:
    documents = orders(3, customers=3)
    documents[1]["total"] = "-5"
    shop.dump("orders", documents)
    report = shop.load()
    assert report.exit_code == 4
    assert report.checks["orders: no negative total"]["broken"] == 1


def test_a_link_without_a_foreign_key_is_checked(shop: Shop) -> None:
    shop.rows("INSERT INTO legacy_rps.toy_side (org_id, id) VALUES (%s, gen_random_uuid())", ORG)
    report = verify(shop.request())
    assert report.checks["orphans"]["links"]["legacy_rps.toy_side.id → toy_orders"] == 1
    assert not report.ok


def test_undo_removes_what_was_loaded_and_nothing_else(shop: Shop) -> None:
    shop.rows("INSERT INTO toy_customers (org_id, id, name) VALUES (%s, gen_random_uuid(), 'Ours')", ORG)
    removed = undo(shop.request())
    assert removed == {"toy_customers": 10, "toy_orders": 697, "toy_lines": 1394, "legacy_rps.toy_side": 697}
    assert shop.rows("SELECT name FROM toy_customers") == [("Ours",)]
    for table in ("toy_orders", "toy_lines", "legacy_rps.toy_side", "engine.legacy_keys", "engine.ledger",
                  "engine.quarantine", "engine.findings", "engine.dangling_references", "engine.load_runs"):  # fmt: skip
        assert shop.value(f"SELECT count(*) FROM {table}") == 0  # noqa: S608 - names of this test
    assert shop.load().data_sets["orders"].loaded == 697


def test_undo_is_refused_when_later_rows_depend_on_what_was_loaded(shop: Shop) -> None:
    shop.rows(
        "INSERT INTO toy_visits SELECT org_id, gen_random_uuid(), id FROM toy_orders WHERE number = 'N1'"
    )
    shop.rows(
        "INSERT INTO toy_orders (org_id, id, customer_id) SELECT org_id, gen_random_uuid(), id FROM toy_customers LIMIT 1"
    )
    with pytest.raises(UndoRefusedError) as refused:
        undo(shop.request())
    assert "toy_visits" in refused.value.message
    assert len(refused.value.details["reasons"]) == 2
    assert shop.value("SELECT count(*) FROM toy_orders") == 698


def test_undo_is_refused_when_imported_rows_were_changed(shop: Shop) -> None:
    shop.rows("UPDATE toy_orders SET total = 1 WHERE number = 'N650'")
    with pytest.raises(UndoRefusedError, match=r"650\.2500"):
        undo(shop.request())
    for file in (shop.folder / "dump" / "shop").iterdir():
        file.unlink()
    (shop.folder / "dump" / "shop").rmdir()
    with pytest.raises(UndoRefusedError, match="chunk 2 of orders"):
        undo(shop.request())


def test_undo_takes_out_data_sets_that_refer_to_each_other_in_a_circle(shop: Shop) -> None:
    shop.describe(orders_first=True)
    assert undo(shop.request())["toy_orders"] == 697
