"""From touched rows to records: by the column that names the record, also of a row that is gone."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from caravan.migration.capture.changes import Change, ChangeKind, Position, Transaction
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import Record
from caravan.migration.load.readers.row_text import encode_row
from caravan.migration.mapping.contract import MappingContext
from caravan.migration.sync.errors import TouchedRowError
from caravan.migration.sync.touched import TouchedRecords, captured_keys

ORG = uuid4()


def data_set(name: str) -> PlannedDataSet:
    context = MappingContext(ORG, None, uuid4())
    return PlannedDataSet(
        name, "rps", "mongodb", Path("nowhere"), name, f"caravan.legacy.rps.mapping:{name}", context
    )


OWN = [data_set("customers"), data_set("orders")]


def told(
    kind: ChangeKind, table: str, key: Mapping[str, Any], row: Mapping[str, Any] | None = None
) -> Transaction:
    record = None if row is None else Record(0, 0, encode_row({**key, **row}))
    return Transaction(Position(1), datetime.now(UTC), (Change(table, kind, key, record, 0),))


def records(*transactions: Transaction) -> dict[str, set[UUID]]:
    return dict(TouchedRecords(OWN, "row").of(transactions).records)


def test_a_table_of_two_data_sets_is_captured_with_both_owners() -> None:
    assert set(captured_keys(OWN)["addresses"]) == {"org_id", "id", "customer_id", "order_id"}


def test_a_row_tells_the_record_that_it_belongs_to_and_no_other() -> None:
    address, order = uuid4(), uuid4()
    key = {"org_id": ORG, "id": address, "customer_id": None, "order_id": order}
    assert records(told("upsert", "addresses", key, {"city": "Tripoli"})) == {"orders": {order}}
    assert records(told("delete", "addresses", key)) == {"orders": {order}}


def test_rows_of_another_organisation_are_not_ours() -> None:
    key = {"org_id": uuid4(), "id": uuid4()}
    assert records(told("upsert", "customers", key, {"name": "Ada"})) == {}


def test_a_truncated_table_empties_every_data_set_that_fills_it() -> None:
    touched = TouchedRecords(OWN, "row").of([told("truncate", "addresses", {})])
    assert touched.emptied == {"customers", "orders"}


def test_a_row_that_does_not_tell_its_record_is_an_error_with_its_key() -> None:
    with pytest.raises(TouchedRowError, match="customer_id"):
        records(told("delete", "addresses", {"org_id": ORG, "id": uuid4()}))
