"""Whatever the two stores: equal tables raise no alarm, and each planted difference is found, down to the field."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.verify.pairs.comparing import compare, pair
from caravan.migration.verify.pairs.walk import Tally, Tuning
from caravan.migration.verify.stores import mariadb as mariadb_store
from tests.fixtures.capabilities import needs
from tests.fixtures.mariadb_server import PrivateMariadb
from tests.fixtures.verify_traps import TrapStores, all_traps

PAIRS = (
    ("postgres one", "postgres two"),
    pytest.param("mariadb", "postgres one", marks=needs("mariadbd")),
    ("sqlite", "postgres one"),
    pytest.param("sqlite", "mariadb", marks=needs("mariadbd")),
)
MERGE = Tuning(chunk=70, strategy="merge")
DESCEND = Tuning(chunk=150, leaf=8, strategy="descend")


@pytest.fixture
def stores(
    module_database: DatabaseAddress, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[TrapStores]:
    wants = any("mariadb" in str(value) for value in request.node.callspec.params.values())
    server: PrivateMariadb | None = request.getfixturevalue("mariadb") if wants else None
    stores = TrapStores(module_database, server, tmp_path)
    stores.fill()
    return stores


def compared(stores: TrapStores, left: str, right: str, tuning: Tuning) -> Tally:
    one, other = stores.open(left), stores.open(right)
    try:
        return compare(pair(one, other), None, tuning)
    finally:
        one.close()
        other.close()


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_equal_tables_raise_no_alarm_and_are_read_once(stores: TrapStores, left: str, right: str) -> None:
    tally = compared(stores, left, right, Tuning(chunk=50))
    assert (tally.left_rows, tally.right_rows, tally.counts) == (400, 400, {})
    assert (tally.hashed, tally.listed) == (8, 0)


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_every_trap_is_found_and_nothing_else_by_bisecting_and_by_merging(
    stores: TrapStores, left: str, right: str
) -> None:
    expected = all_traps(stores, left, right)
    tally = compared(stores, left, right, DESCEND)
    found = {int(one.key[0] or ""): one for one in tally.differences}
    assert {expected.get(key, f"key {key}") for key in found} == set(expected.values())
    assert found.keys() == expected.keys()
    assert {key: one.kind for key, one in found.items() if one.kind != "changed"} == {
        -100: "missing", 299: "missing", 150: "missing", 1000: "extra",
    }  # fmt: skip
    fields = {key: [(one.column, one.left, one.right) for one in row.fields] for key, row in found.items()}
    assert fields[1] == [("a", None, "<null>")]
    assert fields[2] == [("a", "", None)]
    assert fields[3] == [("a", "x", "x ")]
    assert fields[5] == [("a", "x|y", "x"), ("b", "z", "y|z")]
    assert fields[7] == [("placed", "2024-03-31 01:30:00.123456+00", "2024-03-31 01:30:00.123457+00")]
    assert fields[9] == [("ratio", "0.1", "0.10000000000000002")]
    ((amount, *values),) = fields[12]
    assert (amount, *map(Decimal, map(str, values))) == ("amount", Decimal("12.34"), Decimal("12.3401"))
    merged = compared(stores, left, right, MERGE)
    assert merged.differences == tally.differences
    assert (merged.left_rows, merged.right_rows) == (tally.left_rows, tally.right_rows) == (400, 398)
    assert merged.hashed == 0
    assert tally.hashed > tally.listed > 0


@pytest.mark.parametrize(("left", "right"), [("postgres one", "postgres two")])
def test_where_every_chunk_differs_hashing_is_given_up(stores: TrapStores, left: str, right: str) -> None:
    stores.run(right, ["UPDATE traps SET b = b || '!'"])
    tally = compared(stores, left, right, Tuning(chunk=10))
    assert tally.counts == {"changed": 400}
    assert tally.hashed < 12 < tally.listed == 40


@needs("mariadbd")
@pytest.mark.parametrize(("left", "right"), [("mariadb", "mariadb")])
def test_a_chunk_that_the_store_cannot_hold_is_read_row_by_row(
    stores: TrapStores, left: str, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two results that were cut alike would look the same."""
    short = [setting.replace("1073741824", "1024") for setting in mariadb_store._SETTINGS]
    monkeypatch.setattr(mariadb_store, "_SETTINGS", short)
    tally = compared(stores, left, right, Tuning(chunk=150, strategy="descend"))
    assert (tally.counts, tally.left_rows, tally.listed) == ({}, 400, 3)
