"""Whole dumps through the mapping: what their truth files say, and nothing else."""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import bson
import pytest
from bson.codec_options import CodecOptions, DatetimeConversion

from caravan.core.ids import source_namespace
from caravan.legacy.rps import mapping
from caravan.migration.mapping.contract import MappedRecord, Mapping, MappingContext, UnmappableError

REPOSITORY = Path(__file__).resolve().parents[4]
SAMPLE = REPOSITORY / "examples" / "rps" / "dump"
OF_THE_LOADER = {"reference.missing", "number.repeated"}
CONTEXT = MappingContext(UUID(int=1), None, source_namespace("rps", UUID(int=1)))
OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
COLUMNS = [column.name for column in mapping.orders.tables[0].columns]


@pytest.fixture(scope="module")
def dump() -> Path:
    return SAMPLE


@pytest.fixture(scope="module")
def truth(dump: Path) -> dict[str, Any]:
    return json.loads((dump / "truth.json").read_bytes())  # type: ignore[no-any-return]


def documents(dump: Path, collection: str) -> Iterator[dict[str, Any]]:
    with gzip.open(dump / f"{collection}.bson.gz") as file:
        yield from bson.decode_file_iter(file, codec_options=OPTIONS)


def mapped(entity: Mapping, dump: Path, collection: str) -> Iterator[MappedRecord]:
    return (entity.map(document, CONTEXT) for document in documents(dump, collection))


class Orders:
    """What the orders of a dump came to."""

    def __init__(self, dump: Path) -> None:
        self.read = 0
        self.total = Decimal(0)
        self.rows: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.faults: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.line_ids: set[bytes] = set()
        self.referred: dict[str, dict[str, bytes]] = {"customer_id": {}, "affiliate_id": {}}
        for document in documents(dump, "orders"):
            self.read += 1
            try:
                self._add(mapping.orders.map(document, CONTEXT), document["state"])
            except UnmappableError as error:
                self.faults[error.kind].append((str(document["_id"]), error.field))

    def _add(self, record: MappedRecord, state: str) -> None:
        row = dict(zip(COLUMNS, record.rows["orders"][0], strict=True))
        self.states[state] += 1
        self.total += row["subtotal_amount"]
        self.rows.update({name: len(rows) for name, rows in record.rows.items()})
        self.line_ids.update(line[1] for line in record.rows.get("order_items", []))
        for finding in record.findings:
            self.faults[finding.kind].append((finding.key, finding.field))
        for column, referred in self.referred.items():
            if row[column] is not None:
                referred[record.key] = row[column]


@pytest.fixture(scope="module")
def orders(dump: Path) -> Orders:
    return Orders(dump)


def test_orders_are_as_many_as_the_truth_says(orders: Orders, truth: dict[str, Any]) -> None:
    assert orders.read == truth["collections"]["orders"]
    assert orders.rows["orders"] == orders.rows["legacy_rps.orders"] == truth["loaded"]["orders"]
    assert orders.rows["order_items"] == len(orders.line_ids) == truth["loaded"]["order_lines"]


def test_money_and_states_are_what_the_truth_says(orders: Orders, truth: dict[str, Any]) -> None:
    assert orders.total == Decimal(truth["loaded"]["amount_sum"])
    assert orders.states == truth["loaded"]["by_state"]


def test_each_fault_is_named_once_and_nothing_else_is(orders: Orders, truth: dict[str, Any]) -> None:
    expected = {
        kind: sorted((fault["_id"], fault["field"]) for fault in faults)
        for kind, faults in truth["faults"].items()
        if kind not in OF_THE_LOADER
    }
    assert {kind: sorted(found) for kind, found in orders.faults.items()} == expected


@pytest.mark.parametrize("name", ["customers", "products", "transactions", "promos", "affiliates"])
def test_the_other_collections_map_without_a_word(name: str, dump: Path, truth: dict[str, Any]) -> None:
    records = list(mapped(getattr(mapping, name), dump, name))
    assert len({record.id for record in records}) == len(records) == truth["loaded"][name]
    assert [record.findings for record in records if record.findings] == []


def test_references_that_point_nowhere_are_those_of_the_truth(
    orders: Orders, dump: Path, truth: dict[str, Any]
) -> None:
    customers = {record.id for record in mapped(mapping.customers, dump, "customers")}
    affiliates = {record.id for record in mapped(mapping.affiliates, dump, "affiliates")}
    missing = {key for key, row_id in orders.referred["customer_id"].items() if row_id not in customers}
    assert missing == {fault["_id"] for fault in truth["faults"]["reference.missing"]}
    assert set(orders.referred["affiliate_id"].values()) <= affiliates
    assert orders.referred["affiliate_id"]
