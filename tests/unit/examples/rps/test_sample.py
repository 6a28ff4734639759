"""The bundled RPS sample is what its generator writes, and the truth beside it is true."""

import gzip
import json
import subprocess
import sys
from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest
from bson import DBRef
from bson.datetime_ms import DatetimeMS

from caravan.migration.load.readers import Reader, decode, open_source
from examples.rps.generate import FORMATS, generate

RPS = Path(__file__).parents[4] / "examples" / "rps"
BUNDLED = RPS / "dump"


def _documents(reader: Reader, collection: str) -> list[dict[str, Any]]:
    return [decode(reader.format, record.raw) for record in reader.read(collection)]


def _source(folder: Path) -> Reader:
    archive = folder / "rps.archive"
    return open_source(archive if archive.exists() else folder)


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((BUNDLED / "truth.json").read_text())
    return content


@pytest.fixture(scope="module")
def bundled() -> dict[str, list[dict[str, Any]]]:
    reader = open_source(BUNDLED)
    return {name: _documents(reader, name) for name in reader.collections()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    generate(folder, orders=120, seed="small")
    return folder


def _contents(folder: Path) -> dict[str, bytes]:
    """Compare what is in the files: another zlib packs the same bytes differently."""
    return {
        file.name: gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        for file in folder.iterdir()
    }


def test_the_bundled_dump_is_what_the_command_writes(tmp_path: Path):
    command = [sys.executable, str(RPS / "generate.py"), "--orders", "2000", "--out", str(tmp_path)]
    subprocess.run(command, check=True, cwd=tmp_path, timeout=60)
    assert _contents(tmp_path) == _contents(BUNDLED)


def test_the_bundled_dump_is_small():
    assert sum(file.stat().st_size for file in BUNDLED.iterdir()) < 2_500_000


def test_another_seed_gives_another_shop(small: Path, tmp_path: Path):
    generate(tmp_path, orders=120, seed="other")
    assert _contents(tmp_path)["orders.bson.gz"] != _contents(small)["orders.bson.gz"]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_holds_the_same_documents_and_truth(small: Path, tmp_path: Path, form):
    generate(tmp_path, orders=120, seed="small", form=form)
    expected, reader = _source(small), _source(tmp_path)
    for name in expected.collections():
        # NaN equals nothing, so the documents are compared as they are written
        assert [repr(each) for each in map(_comparable, _documents(reader, name))] == [
            repr(each) for each in map(_comparable, _documents(expected, name))
        ]
    assert (tmp_path / "truth.json").read_bytes() == (small / "truth.json").read_bytes()


def _comparable(value: object) -> object:
    """Drop the one thing a format may lose: whether an integer had 32 or 64 bits."""
    if isinstance(value, dict):
        return {key: _comparable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_comparable(each) for each in value]
    if isinstance(value, DBRef):
        return _comparable(dict(value.as_doc()))
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_the_truth_counts_the_documents(truth, bundled):
    assert truth["collections"] == {name: len(bundled[name]) for name in truth["collections"]}
    orders = bundled["orders"]
    assert truth["orders"]["by_state"] == Counter(order["state"] for order in orders)
    assert truth["orders"]["order_lines"] == sum(len(order["items"]) for order in orders)
    assert truth["orders"]["guest_orders"] == sum(order.get("customer") is None for order in orders)


def test_the_truth_sums_the_amounts_in_the_documents(truth, bundled):
    refunds = [_money(order["refundAmount"]) for order in bundled["orders"] if order["state"] == "refunded"]
    assert Decimal(truth["orders"]["amount_sum"]) == sum(
        _money(order["amount"]) for order in bundled["orders"]
    )
    assert Decimal(truth["orders"]["refund_sum"]) == sum(refunds)


def test_what_is_loaded_is_all_but_the_quarantined_with_four_places(truth, bundled):
    lost = {fault["_id"] for fault in truth["faults"]["amount.not_a_number"]}
    kept = [order for order in bundled["orders"] if str(order["_id"]) not in lost]
    amounts = [_money(order["amount"]).quantize(Decimal("0.0001"), ROUND_HALF_EVEN) for order in kept]
    loaded = truth["loaded"]
    assert loaded["orders"] == len(kept)
    assert Decimal(loaded["amount_sum"]) == sum(amounts)
    assert loaded["by_state"] == Counter(order["state"] for order in kept)
    assert loaded["order_lines"] == sum(len(order["items"]) for order in kept)
    orphans = [
        each for each in bundled["transactions"] if str(getattr(each["order"], "id", each["order"])) in lost
    ]
    assert loaded["transactions_without_order"] == len(orphans) > 0


def _money(value: object) -> Decimal:
    return Decimal(repr(value) if isinstance(value, float) else str(value))


def test_each_fault_is_in_its_document_and_in_no_other(truth, bundled):
    customers = {customer["_id"] for customer in bundled["customers"]}
    numbers = Counter(str(order["orderNumber"]) for order in bundled["orders"])
    states = {"complete", "declined", "partial", "processing", "refunded", "shipped"}
    seen: dict[str, set[str]] = {name: set() for name in truth["faults"]}
    for order in bundled["orders"]:
        found = {
            "amount.not_a_number": not _is_number(order["totalAmount"]),
            "date.out_of_range": isinstance(order.get("deliveryDate"), DatetimeMS),
            "money.rounded": -_money(order["amount"]).normalize().as_tuple().exponent > 4,  # type: ignore[operator]  # finite
            "reference.missing": _dangles(order.get("customer"), customers),
            "state.unknown": order["state"] not in states,
        }
        for name in (name for name, is_there in found.items() if is_there):
            seen[name].add(str(order["_id"]))
    repeated = {fault["number"] for fault in truth["faults"]["number.repeated"]}
    assert {number for number, count in numbers.items() if count > 1} == repeated
    del seen["number.repeated"]
    for name, keys in seen.items():
        assert keys == {fault["_id"] for fault in truth["faults"][name]}, name
        assert keys, name


def _is_number(value: object) -> bool:
    try:
        return _money(value).is_finite()
    except ArithmeticError:
        return False


def _dangles(reference: object, known: set[object]) -> bool:
    key = reference.get("id") if isinstance(reference, dict) else getattr(reference, "id", reference)
    return key is not None and str(key) not in {str(each) for each in known}


def test_no_other_amount_has_more_than_four_places(bundled):
    fields = (
        "taxAmount",
        "shippingAmount",
        "discountAmount",
        "affiliatePayout",
        "baseAmount",
        "refundAmount",
    )
    for order in bundled["orders"]:
        for field in fields:
            assert _money(order.get(field, 0)) == _money(order.get(field, 0)).quantize(Decimal("0.0001"))


@pytest.mark.parametrize(
    ("collection", "field", "kinds"),
    [
        ("orders", "totalAmount", {"float", "Decimal128", "str", "int"}),
        ("orders", "orderNumber", {"str", "int"}),
        ("orders", "shipped", {"bool", "int", "str", "float", "Int64"}),
        ("orders", "emailSent", {"bool", "int", "str"}),
        ("orders", "customer", {"DBRef", "ObjectId", "NoneType", "dict", "str", "absent"}),
        ("orders", "affiliate", {"DBRef", "ObjectId", "str", "absent"}),
        ("orders", "modifiedAt", {"datetime", "str", "int", "Int64", "Timestamp"}),
        ("orders", "deliveryDate", {"datetime", "NoneType", "DatetimeMS", "absent"}),
        ("orders", "items", {"list", "dict"}),
        ("orders", "promotions", {"list", "dict", "absent"}),
        ("orders", "trackingNumbers", {"list", "dict", "absent"}),
        ("orders", "legacyFlagX", {"dict", "absent"}),
        ("orders", "transactions", {"list", "absent"}),
        ("customers", "addresses", {"list", "dict"}),
        ("customers", "phone", {"str", "NoneType", "absent"}),
        ("customers", "loyaltyTier", {"str", "absent"}),
        ("promos", "_id", {"ObjectId", "int", "str", "Binary"}),
        ("affiliates", "_id", {"ObjectId", "int", "Int64", "str", "Binary"}),
        ("products", "isTaxable", {"bool", "int", "str"}),
        ("products", "name", {"str", "NoneType"}),
    ],
)
def test_every_quirk_of_storage_is_there(bundled, collection, field, kinds):
    found = {type(each[field]).__name__ if field in each else "absent" for each in bundled[collection]}
    assert kinds <= found


def test_references_come_with_and_without_a_database_and_with_a_class(bundled):
    references = [
        order["customer"] for order in bundled["orders"] if isinstance(order.get("customer"), DBRef)
    ]
    assert {reference.database for reference in references} == {"rps", None}
    assert any("_doctrine_class_name" in reference.as_doc() for reference in references)


def test_lists_stored_as_objects_have_gaps(bundled):
    keys = [list(order["items"]) for order in bundled["orders"] if isinstance(order["items"], dict)]
    assert any(each[:2] == ["0", "2"] for each in keys)


def test_too_few_orders_for_the_faults_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="orders at least"):
        generate(tmp_path, orders=10, seed="small")
