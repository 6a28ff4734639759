"""The same load again: nothing to do, or exactly what has changed."""

from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.load import chunks, verify
from tests.fixtures.databases import as_administrator
from tests.fixtures.toy.shop import Shop, customers, make_shop, oid, orders


@pytest.fixture
def shop(own_database: DatabaseAddress, tmp_path: Path) -> Shop:
    shop = make_shop(own_database, tmp_path)
    shop.dump("customers", customers(10))
    shop.dump("orders", orders(1100, customers=10))
    return shop


def figures(report) -> tuple[int, int, int]:
    item = report.data_sets["orders"]
    assert item.loaded + item.unchanged + item.quarantined == item.read
    return item.loaded, item.unchanged, item.quarantined


def written(shop: Shop) -> list[tuple[object, ...]]:
    return shop.rows(
        "SELECT id, xmin::text FROM toy_orders UNION ALL SELECT id, xmin::text FROM toy_lines ORDER BY 1"
    )


def test_a_second_run_writes_nothing(shop: Shop) -> None:
    first = shop.load()
    before = written(shop)
    second = shop.load()
    assert figures(second) == (0, 1100, 0)
    assert second.checksums == first.checksums
    assert written(shop) == before


def test_a_new_version_of_the_mapping_loads_every_chunk_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.load()
    monkeypatch.setenv("TOY_VERSION", "2")
    report = shop.load()
    assert figures(report) == (1100, 0, 0)
    assert report.data_sets["customers"].unchanged == 10
    assert report.exit_code == 0
    assert shop.value("SELECT total FROM toy_orders WHERE number = 'N7'") == 8.25


def test_a_new_version_that_maps_alike_rewrites_no_row(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.load()
    before = written(shop)
    monkeypatch.setenv("TOY_VERSION", "3")
    report = shop.load()
    assert figures(report) == (0, 1100, 0)
    assert written(shop) == before


def test_of_a_changed_source_only_what_differs_is_written(shop: Shop) -> None:
    shop.load()
    before = dict(written(shop))
    documents = orders(1100, customers=10)
    documents[3]["total"] = "77.7"
    documents[4]["lines"] = documents[4]["lines"][:1]
    documents[5]["lines"].append({"sku": "new"})
    documents[6]["word"] = "other"
    del documents[7]["word"]
    shop.dump("orders", documents)
    report = shop.load()
    assert figures(report) == (5, 1095, 0)
    assert report.exit_code == 0
    assert report.data_sets["orders"].rows == {
        "toy_orders": 1100,
        "toy_lines": 2200,
        "legacy_rps.toy_side": 1099,
    }
    after = dict(written(shop))
    assert len(before.keys() - after.keys()) == 1
    assert len(after.keys() - before.keys()) == 1
    assert sum(before[key] != after[key] for key in before.keys() & after.keys()) == 1


def test_a_changed_row_counts_a_version_and_an_unchanged_one_stays_untouched(
    shop: Shop, own_database: DatabaseAddress
) -> None:
    as_administrator(
        own_database,
        "ALTER TABLE toy_orders ADD version integer NOT NULL DEFAULT 1,"
        " ADD updated_at timestamptz NOT NULL DEFAULT '2020-01-01Z'",
    )
    shop.load()
    first = dict(written(shop))
    assert shop.value("SELECT count(*) FROM toy_orders WHERE version <> 1") == 0
    documents = orders(1100, customers=10)
    documents[3]["total"] = "77.7"
    documents[4]["lines"] = documents[4]["lines"][:1]
    shop.dump("orders", documents)
    assert shop.load().exit_code == 0
    changed = shop.rows(
        "SELECT number, version, updated_at > now() - interval '1 h' FROM toy_orders WHERE version > 1"
    )
    assert changed == [("N3", 2, True)]
    untouched = shop.value("SELECT count(*) FROM toy_orders WHERE updated_at = '2020-01-01Z'")
    assert untouched == 1099
    assert sum(first.get(key) != xmin for key, xmin in written(shop)) == 1
    assert verify(shop.request()).ok


def test_a_reference_that_is_filled_later_counts_as_a_change(
    shop: Shop, own_database: DatabaseAddress
) -> None:
    as_administrator(own_database, "ALTER TABLE toy_orders ADD version bigint NOT NULL DEFAULT 1")
    shop.dump("customers", customers(9))
    shop.load()
    shop.dump("customers", customers(10))
    shop.load()
    versions = shop.rows("SELECT version, count(*) FROM toy_orders GROUP BY version ORDER BY version")
    assert versions == [(1, 990), (2, 110)]


def test_records_that_moved_to_other_chunks_keep_their_rows(shop: Shop) -> None:
    shop.load()
    before = written(shop)
    shop.dump("orders", orders(1100, customers=10)[::-1])
    report = shop.load(workers=2)
    assert figures(report) == (0, 1100, 0)
    assert report.exit_code == 0
    assert written(shop) == before
    assert figures(shop.load()) == (0, 1100, 0)


def test_a_record_that_vanished_stays_and_is_reported_as_extra(shop: Shop) -> None:
    shop.load()
    documents = orders(1100, customers=10)
    shop.dump("orders", documents[:20] + documents[21:900])
    report = shop.load()
    assert report.exit_code == 0
    assert figures(report) == (0, 899, 0)
    assert shop.value("SELECT count(*) FROM toy_orders") == 1100
    found = verify(shop.request())
    assert found.ok
    assert ("orders", str(documents[20]["_id"])) in found.extra
    assert len(found.extra) == 201


def test_a_duplicate_put_before_an_unchanged_chunk_takes_its_key(shop: Shop) -> None:
    documents = orders(1100, customers=10)
    shop.load()
    double = {**documents[1050], "number": "first", "_id": documents[1050]["_id"]}
    shop.dump("orders", [double, *documents[1:]])
    report = shop.load(workers=2)
    assert [(item.kind, item.key) for item in report.quarantine] == [
        ("key.repeated", str(documents[1050]["_id"]))
    ]
    assert shop.value("SELECT count(*) FROM toy_orders WHERE number = 'first'") == 1
    assert report.checks["checksums"]["ok"]
    # And when the double goes again, the record that waited behind it comes back.
    shop.dump("orders", documents)
    report = shop.load()
    assert report.exit_code == 0
    assert shop.value("SELECT count(*) FROM toy_orders WHERE number = 'first'") == 0


def test_a_corrected_record_leaves_the_quarantine(shop: Shop) -> None:
    documents = orders(20, customers=10)
    documents[4]["total"] = "NaN"
    shop.dump("orders", documents)
    assert figures(shop.load()) == (19, 0, 1)
    assert figures(shop.load()) == (0, 19, 1)
    documents[4]["total"] = "4.25"
    shop.dump("orders", documents)
    report = shop.load()
    assert figures(report) == (1, 19, 0)
    assert report.exit_code == 0


@pytest.mark.parametrize("size", [70, 3000])
def test_another_chunk_size_finds_what_was_loaded_with_the_old_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    shop.load()
    monkeypatch.setattr(chunks, "CHUNK_RECORDS", size)
    found = verify(shop.request())
    assert found.ok, found.to_json()
    assert figures(shop.load()) == (0, 1100, 0)
    assert verify(shop.request()).ok
    shop.dump("orders", orders(1250, customers=10))
    assert figures(shop.load()) == (150, 1100, 0)
    assert verify(shop.request()).ok


def test_a_limit_loads_the_first_records_and_a_later_run_the_rest(shop: Shop) -> None:
    report = shop.load(limit=250)
    assert figures(report) == (250, 0, 0)
    assert report.exit_code == 0
    assert figures(shop.load()) == (850, 250, 0)


def test_a_limit_after_a_whole_load_takes_nothing_away(shop: Shop) -> None:
    shop.load()
    report = shop.load(limit=500)
    assert figures(report) == (0, 500, 0)
    assert report.exit_code == 0
    assert figures(shop.load()) == (0, 1100, 0)


def test_a_key_imported_by_another_data_set_is_not_imported_twice(shop: Shop) -> None:
    shop.dump("archive", orders(2, customers=10))
    shop.describe(
        '\n[[data_sets]]\nname = "archive"\nsource = "shop"\ncollection = "archive"\nafter = ["orders"]\n'
        'mapping = "tests.fixtures.toy.mapping:order"\n'
    )
    report = shop.load()
    assert [item.kind for item in report.quarantine] == ["key.repeated", "key.repeated"]
    assert "orders" in report.quarantine[0].reason


def test_a_renamed_source_does_not_import_twice(shop: Shop) -> None:
    shop.load()
    shop.file.write_text(
        shop.file.read_text().replace("[sources.shop]", "[sources.store]").replace('"shop"', '"store"')
    )
    shop.dump("customers", [*customers(10), {"_id": oid(99), "name": "New"}])
    report = shop.load()
    assert report.data_sets["customers"].quarantined == 10
    assert "renamed" in report.quarantine[0].reason


def test_rows_that_are_there_without_a_key_are_taken_over(shop: Shop) -> None:
    shop.load()
    shop.rows("DELETE FROM engine.legacy_keys")
    shop.rows("DELETE FROM engine.ledger")
    report = shop.load()
    assert report.exit_code == 0
    assert shop.value("SELECT count(*) FROM toy_orders") == 1100


def test_a_dry_run_finds_the_faults_and_writes_nothing(shop: Shop) -> None:
    documents = orders(600, customers=10)
    documents[3]["total"] = "NaN"
    documents[4]["late"] = True
    documents[590]["_id"] = documents[8]["_id"]
    shop.dump("orders", documents)
    for workers in (0, 2):
        report = shop.load(dry_run=True, workers=workers)
        assert figures(report) == (598, 0, 2)
        assert [item.kind for item in report.quarantine] == ["amount.not_a_number", "key.repeated"]
        assert [item.kind for item in report.findings] == ["date.out_of_range"]
        assert report.data_sets["orders"].rows["toy_lines"] == 1196
        assert report.exit_code == 3
    assert shop.value("SELECT count(*) FROM toy_orders") == 0
    assert shop.value("SELECT count(*) FROM engine.load_runs") == 0
