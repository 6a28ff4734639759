"""What is kept word for word is read back the same, whatever type it has."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from bson import Binary, DBRef, Decimal128, Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

from caravan.migration.mapping.originals import canonical_json, parsed_json, relaxed_json

ROW_VALUES = [
    (Decimal("12.30"), {"$decimal": "12.30"}),
    (date(2024, 2, 29), {"$day": "2024-02-29"}),
    (datetime(2024, 2, 29, 10), {"$datetime": "2024-02-29T10:00:00"}),  # noqa: DTZ001 - in the source's zone
    (datetime(2024, 2, 29, 10, 0, 0, 1, UTC), {"$datetime": "2024-02-29T10:00:00.000001+00:00"}),
    (datetime(2024, 2, 29, 10, tzinfo=UTC), {"$date": {"$numberLong": "1709200800000"}}),
    (time(10, 0, 0, 5), {"$time": "10:00:00.000005"}),
    (timedelta(seconds=-1), {"$microseconds": "-1000000"}),
    (UUID(int=7), {"$uuid": "00000000-0000-0000-0000-000000000007"}),
    (b"\x00\xff", {"$binary": {"base64": "AP8=", "subType": "00"}}),
    (2**64 - 1, {"$integer": "18446744073709551615"}),
]


@pytest.mark.parametrize(("value", "written"), ROW_VALUES)
def test_a_value_of_a_row_is_kept_with_its_type(value: object, written: object) -> None:
    kept = canonical_json({"a": [value]})
    assert json.loads(kept) == {"a": [written]}
    (found,) = parsed_json(kept)["a"]
    assert found == value
    assert type(found) is type(value)


def test_in_relaxed_json_an_exact_number_is_a_number() -> None:
    assert relaxed_json({"n": Decimal("12345678901234567890.10"), "id": ObjectId(bytes(12))}) == (
        b'{"n":12345678901234567890.10,"id":{"$oid":"000000000000000000000000"}}'
    )
    assert relaxed_json([Decimal(2), None, {"x": 1.5}]) == b'[2,null,{"x":1.5}]'


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31 - 1)
    | st.integers(2**31, 2**63 - 1).map(Int64)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
    | st.sampled_from(
        [
            ObjectId(b"x" * 12),
            Decimal128("1.10"),
            Timestamp(1, 2),
            DBRef("orders", 5),
            Binary(b"1", 5),
            DatetimeMS(2**60),
        ]
    )
)
NAMES = st.text(st.characters(exclude_categories=(), exclude_characters="$"), max_size=5)
TREES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(TREES)
def test_any_tree_is_read_back_as_it_was(tree: object) -> None:
    kept = canonical_json(tree)
    assert b"\\u0000" not in kept
    assert parsed_json(kept) == tree
