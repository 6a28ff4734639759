"""Rows are encoded so that different rows have different bytes, and sums do not depend on order."""

import random
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caravan.migration.mapping.contract import Column
from caravan.migration.verify import RowEncoder, TableSum
from caravan.migration.verify.encoding import MODULUS

ID = bytes(range(16))


def cell(column: Column, value: object) -> str:
    return RowEncoder((column,)).cells((value,))[0]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (Column("c", "uuid"), ID, "u:32:000102030405060708090a0b0c0d0e0f"),
        (Column("c", "text"), "plain", "t:5:plain"),
        (Column("c", "text"), "é", "t:2:é"),
        (Column("c", "text"), "", "t:0:"),
        (Column("c", "text"), "n:0:", "t:4:n:0:"),
        (Column("c", "integer"), -7, "i:2:-7"),
        (Column("c", "bigint"), 1 << 60, "i:19:1152921504606846976"),
        (Column("c", "boolean"), True, "b:1:t"),
        (Column("c", "boolean"), False, "b:1:f"),
        (Column("c", "numeric", 4), Decimal("2.5"), "d:6:2.5000"),
        (Column("c", "numeric", 4), Decimal("1E+5"), "d:11:100000.0000"),
        (Column("c", "numeric", 4), Decimal("-0.0000"), "d:6:0.0000"),
        (Column("c", "numeric", 0), Decimal(12), "d:2:12"),
        (Column("c", "numeric"), Decimal("12.3400"), "d:5:12.34"),
        (Column("c", "numeric"), Decimal(1200), "d:4:1200"),
        (Column("c", "numeric"), Decimal("-0.00"), "d:1:0"),
        (Column("c", "timestamptz"), datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC), "z:7:1000005"),
        (
            Column("c", "timestamptz"),
            datetime(1969, 12, 31, 23, 0, tzinfo=timezone(timedelta(hours=-1))),
            "z:1:0",
        ),
        (Column("c", "timestamptz"), datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), "z:8:-1000000"),
        (Column("c", "jsonb"), b'{"bb":1,"a":[]}', 'j:18:{"a": [], "bb": 1}'),
        (Column("c", "jsonb"), '{"é":1}'.encode(), 'j:9:{"é": 1}'),
        (Column("c", "bytea"), b"\x00\xff", "x:4:00ff"),
    ],
)
def test_each_type_has_one_text(column: Column, value: object, expected: str) -> None:
    assert cell(column, value) == expected
    assert cell(column, None) == "n:0:"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (Column("c", "uuid"), "0123"),
        (Column("c", "text"), b"bytes"),
        (Column("c", "text"), 7),
        (Column("c", "integer"), "7"),
        (Column("c", "boolean"), "t"),
        (Column("c", "numeric", 4), "1.5"),
        (Column("c", "timestamptz"), datetime(2020, 1, 1)),  # noqa: DTZ001 - what must be refused
        (Column("c", "jsonb"), b"{"),
        (Column("c", "bytea"), "text"),
        (Column("c", "text"), "\ud800"),
        (Column("c", "text"), "nul\0"),
    ],
)
def test_a_value_of_another_type_is_refused_never_made_into_text(column: Column, value: object) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        RowEncoder((column,)).sum([(value,)])


TEXTS = Column("a", "text"), Column("b", "text")


@given(
    st.lists(st.tuples(st.text("ab:n0", max_size=4) | st.none(), st.text("ab:n0", max_size=4) | st.none()))
)
def test_rows_that_differ_never_share_their_bytes(rows: list[tuple[str | None, str | None]]) -> None:
    encoder = RowEncoder(TEXTS)
    assert len({"".join(encoder.cells(row)) for row in rows}) == len(set(rows))


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.none()), max_size=30
    )
)
def test_a_sum_depends_on_the_rows_and_not_on_their_order_or_their_batches(
    rows: list[tuple[Any, Any]],
) -> None:
    encoder = RowEncoder(TEXTS)
    shuffled = random.Random(7).sample(rows, len(rows))  # noqa: S311 - an order, not a secret
    total = encoder.sum(rows)
    assert encoder.sum(shuffled) == total
    assert encoder.sum(rows[:3]) + encoder.sum(rows[3:]) == total
    assert TableSum.stored(total.rows, total.hex) == total
    assert total.rows == len(rows)


def test_equal_rows_twice_are_not_nothing() -> None:
    encoder = RowEncoder(TEXTS)
    twice = encoder.sum([("a", "b")] * 2)
    assert twice != TableSum(2, 0, 0)
    assert twice.a == encoder.sum([("a", "b")]).a * 2 % MODULUS


def test_more_rows_than_a_batch_count_once_each() -> None:
    encoder = RowEncoder((Column("n", "integer"),))
    rows = [(n,) for n in range(1500)]
    assert encoder.sum(rows) == encoder.sum(rows[:700]) + encoder.sum(rows[700:])


def test_remembered_numbers_are_bounded_and_right() -> None:
    encoder = RowEncoder((Column("n", "numeric", 2),))
    for start in (0, 15_000, 30_000):
        encoder.sum([(Decimal(n),) for n in range(start, start + 15_000)])
    assert encoder.cells((Decimal(3),)) == ["d:4:3.00"]
