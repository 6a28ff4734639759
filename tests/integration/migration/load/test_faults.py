"""Bad records: each is named once, nothing else is lost."""

from datetime import UTC, datetime
from pathlib import Path

import bson
import pytest

from caravan.core.database import DatabaseAddress
from caravan.core.secrets_box import Box
from caravan.migration.load import purge
from tests.fixtures.toy.shop import Shop, customers, make_shop, oid, orders

WAIVER = """
[[waivers]]
class = "amount.not_a_number"
owner = "Nadia"
reason = "four test orders"
"""


@pytest.fixture
def shop(own_database: DatabaseAddress, tmp_path: Path) -> Shop:
    shop = make_shop(own_database, tmp_path)
    shop.dump("customers", customers(10))
    return shop


def found(report, kind: str) -> list[tuple[str, str, str]]:
    return [(item.data_set, item.key, item.field) for item in report.findings if item.kind == kind]


def refused(report) -> list[tuple[str, str | None]]:
    return [(item.kind, item.key) for item in report.quarantine]


def test_a_record_the_mapping_refuses_is_quarantined_whole_with_its_bytes(shop: Shop) -> None:
    documents = orders(5, customers=10)
    documents[2]["total"] = "NaN"
    file = shop.dump("orders", documents)
    report = shop.load()
    assert report.exit_code == 3
    (item,) = report.quarantine
    assert (item.kind, item.data_set, item.key, item.field, item.waived) == (
        "amount.not_a_number", "orders", str(documents[2]["_id"]), "total", False,
    )  # fmt: skip
    assert item.file == str(file)
    raw = file.read_bytes()[item.offset :]
    assert bson.decode(raw[: int.from_bytes(raw[:4], "little")]) == documents[2]
    assert shop.value("SELECT count(*) FROM toy_orders") == 4
    sealed = shop.value("SELECT sealed FROM engine.quarantine")
    assert b"NaN" not in sealed
    assert bson.decode(Box(shop.folder / "home" / "keys" / "quarantine.key").open(sealed)) == documents[2]


def test_a_waived_class_does_not_fail_the_load_until_its_waiver_has_expired(shop: Shop) -> None:
    documents = orders(3, customers=10)
    documents[0]["total"] = "NaN"
    shop.dump("orders", documents)
    shop.describe(WAIVER)
    assert shop.load().exit_code == 0
    shop.describe(WAIVER + "until = 2020-01-31\n")
    assert shop.load().exit_code == 3


def test_a_bug_of_the_mapping_costs_one_record(shop: Shop) -> None:
    documents = orders(3, customers=10)
    documents[1]["total"] = "bug"
    shop.dump("orders", documents)
    report = shop.load()
    assert refused(report) == [("mapping.failed", str(documents[1]["_id"]))]
    assert "ZeroDivisionError" in report.quarantine[0].reason


def test_of_records_with_one_key_the_first_in_source_order_wins(shop: Shop) -> None:
    documents = orders(700, customers=10)
    documents[650]["_id"] = documents[3]["_id"]  # in another chunk
    documents[5]["_id"] = documents[4]["_id"]  # in the same one
    shop.dump("orders", documents)
    for workers in (2, 0):
        report = shop.load(workers=workers)
        assert refused(report) == [
            ("key.repeated", str(documents[4]["_id"])),
            ("key.repeated", str(documents[3]["_id"])),
        ]
        figures = report.data_sets["orders"]
        assert figures.loaded + figures.unchanged + figures.quarantined == figures.read == 700
    assert (
        shop.value(
            "SELECT number FROM toy_orders o JOIN engine.legacy_keys k ON k.row_id = o.id WHERE k.key = %s",
            str(documents[3]["_id"]),
        )
        == "N3"
    )
    assert report.checks["checksums"]["ok"]


@pytest.mark.parametrize("orders_first", [False, True])
def test_references_are_filled_in_whatever_order_the_data_sets_come(
    shop: Shop, *, orders_first: bool
) -> None:
    shop.describe(orders_first=orders_first)
    documents = orders(20, customers=10)
    documents[3]["parent"] = documents[15]["_id"]
    shop.dump("orders", documents)
    report = shop.load()
    assert report.exit_code == 0, report.to_json()
    assert report.findings == []
    assert shop.value("SELECT count(*) FROM toy_orders WHERE customer_id IS NULL") == 0
    assert shop.value("SELECT count(*) FROM toy_orders WHERE parent_id IS NOT NULL") == 1
    assert shop.value("SELECT count(*) FROM engine.dangling_references") == 0


@pytest.mark.parametrize("orders_first", [False, True])
def test_a_reference_to_nothing_is_a_finding_and_a_reference_to_a_quarantined_record_another(
    shop: Shop, *, orders_first: bool
) -> None:
    shop.describe(orders_first=orders_first)
    people = customers(10)
    people[4]["name"] = "refuse"
    shop.dump("customers", people)
    documents = orders(10, customers=10)
    documents[7]["customer"] = oid(999_999)
    shop.dump("orders", documents)
    report = shop.load()
    assert found(report, "reference.missing") == [("orders", str(documents[7]["_id"]), "customer")]
    assert found(report, "reference.quarantined") == [("orders", str(documents[4]["_id"]), "customer")]
    assert report.checks["checksums"]["ok"]
    assert shop.rows("SELECT tag, key, source FROM engine.dangling_references ORDER BY key DESC") == [
        ("o", str(oid(999_999)), "customer"),
        ("o", str(oid(4)), "customer"),
    ]


def test_a_mapping_that_cannot_name_its_references_still_loads(shop: Shop) -> None:
    documents = orders(1, customers=1)
    documents[0] |= {"customer": oid(77), "word": "mute"}
    shop.dump("orders", documents)
    report = shop.load()
    assert len(found(report, "reference.missing")) == 1
    assert shop.value("SELECT tag FROM engine.dangling_references") == "u"


def test_a_reference_that_comes_with_a_corrected_source_is_filled_and_its_finding_goes(shop: Shop) -> None:
    documents = orders(2, customers=2)
    documents[1]["customer"] = oid(50)
    shop.dump("orders", documents)
    assert len(shop.load().findings) == 1
    shop.dump("customers", customers(51))
    report = shop.load()
    assert report.findings == []
    assert report.data_sets["orders"].unchanged == 2
    assert shop.value("SELECT count(*) FROM toy_orders WHERE customer_id IS NOT NULL") == 2
    assert report.exit_code == 0


def test_every_repetition_of_a_number_after_the_first_is_one_finding(shop: Shop) -> None:
    documents = orders(6, customers=10)
    documents[5]["number"] = documents[3]["number"] = documents[1]["number"]
    shop.dump("orders", documents)
    for _ in range(2):
        report = shop.load()
        assert found(report, "number.repeated") == [
            ("orders", str(documents[3]["_id"]), "number"),
            ("orders", str(documents[5]["_id"]), "number"),
        ]


def test_findings_of_the_mapping_are_reported_and_kept(shop: Shop) -> None:
    documents = orders(3, customers=10)
    documents[1]["late"] = True
    shop.dump("orders", documents)
    shop.load()
    report = shop.load()
    assert found(report, "date.out_of_range") == [("orders", str(documents[1]["_id"]), "late")]
    assert report.data_sets["orders"].findings == 1


def test_records_that_the_tables_refuse_are_found_one_by_one(shop: Shop) -> None:
    documents = orders(9, customers=10)
    documents[2]["total"] = "1000001"
    documents[5]["number"] = "nul\0"
    documents[7]["lines"][0]["sku"] = None
    shop.dump("orders", documents)
    report = shop.load()
    assert refused(report) == [
        ("target.refused", str(documents[2]["_id"])),
        ("mapping.failed", str(documents[5]["_id"])),
        ("target.refused", str(documents[7]["_id"])),
    ]
    assert "toy_orders_total_check" in report.quarantine[0].reason
    assert shop.value("SELECT count(*) FROM toy_orders") == 6
    assert report.checks["checksums"]["ok"]


def test_bytes_that_are_no_document_are_quarantined_with_their_offset(shop: Shop) -> None:
    good = [bson.encode(document) for document in orders(3, customers=10)]
    bad = bytearray(good[1])
    bad[bad.index(b"wor") if b"wor" in bad else -3] = 0xFF
    place = good[1].index("wörd".encode())
    broken = bytes(good[1][:place] + b"\xff\xfe" + good[1][place + 2 :])
    shop.dump("orders", [good[0], broken, good[2]])
    report = shop.load()
    (item,) = report.quarantine
    assert (item.kind, item.offset, item.key) == ("record.invalid_utf8", len(good[0]), None)
    assert shop.value("SELECT count(*) FROM toy_orders") == 2


def test_a_document_that_is_too_large_is_quarantined_and_the_next_one_loaded(shop: Shop) -> None:
    large = {"_id": oid(5), "text": "x" * (17 * 1024 * 1024)}
    shop.dump("customers", [*customers(2), large, {"_id": oid(9), "name": "Last"}])
    shop.dump("orders", [])
    report = shop.load()
    assert refused(report) == [("record.too_large", None)]
    assert report.data_sets["customers"].loaded == 3


def test_a_cut_file_loads_up_to_the_cut_and_goes_on_when_it_is_whole(shop: Shop) -> None:
    whole = shop.dump("orders", orders(900, customers=10)).read_bytes()
    (shop.folder / "dump" / "shop" / "orders.bson").write_bytes(whole[: len(whole) * 2 // 3])
    report = shop.load(workers=1)
    assert report.exit_code == 4
    assert report.stopped[0].code == "source_damaged"
    there = shop.value("SELECT count(*) FROM toy_orders")
    assert 500 < there == report.data_sets["orders"].loaded < 900
    (shop.folder / "dump" / "shop" / "orders.bson").write_bytes(whole)
    report = shop.load()
    assert report.exit_code == 0
    assert (report.data_sets["orders"].loaded, report.data_sets["orders"].unchanged) == (900 - there, there)


def test_purging_removes_old_bytes_and_keeps_the_reasons(shop: Shop) -> None:
    documents = orders(2, customers=10)
    documents[0]["total"] = "NaN"
    shop.dump("orders", documents)
    shop.load()
    now = datetime.now(UTC)
    assert purge(shop.database, days=90, now=now) == 0
    assert purge(shop.database, days=90, now=now.replace(year=now.year + 1)) == 1
    assert shop.rows("SELECT reason, sealed, purged_at IS NULL FROM engine.quarantine") == [
        ("amount.not_a_number", None, False)
    ]


def test_a_reload_does_not_restart_the_retention_of_an_original(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = orders(120, customers=10)
    documents[60]["total"] = "NaN"
    shop.dump("orders", documents)
    shop.load()
    shop.rows("UPDATE engine.quarantine_clock SET first_at = '2020-01-01'")
    monkeypatch.setenv("TOY_VERSION", "3")
    shop.load()
    moved = [*documents[50:], *documents[:50]]
    shop.dump("orders", moved)
    shop.load(workers=2)
    assert shop.rows("SELECT chunk, created_at::date::text FROM engine.quarantine") == [(0, "2020-01-01")]
    assert purge(shop.database, days=90, now=datetime.now(UTC)) == 1


def test_a_record_that_was_well_in_between_starts_its_retention_anew(shop: Shop) -> None:
    documents = orders(3, customers=10)
    spoilt = [*documents[:2], {**documents[2], "total": "NaN"}]
    shop.dump("orders", spoilt)
    shop.load()
    shop.rows("UPDATE engine.quarantine_clock SET first_at = '2020-01-01'")
    for state in (documents, spoilt):
        shop.dump("orders", state)
        shop.load()
    assert (
        shop.value("SELECT count(*) FROM engine.quarantine WHERE created_at > now() - interval '1 day'") == 1
    )
