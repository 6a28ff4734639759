"""Long work on the shared database is many short transactions."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from examples.legacy.deduper.src.article_duplicates.database import batch_size, batches, transaction


@pytest.fixture
def table() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE ArticleDuplicateAnalyses (id INTEGER PRIMARY KEY)")
        yield connection


def test_a_batch_is_a_tenth_but_no_more_than_fifty_thousand() -> None:
    assert [batch_size(total) for total in (0, 1, 10, 101, 499_990, 10_000_000)] == [
        *(1, 1, 1, 11, 49_999),
        50_000,
    ]


def test_each_batch_is_a_transaction_of_its_own(
    table: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    table.executemany("INSERT INTO ArticleDuplicateAnalyses VALUES (?)", [(5,), (9,), (24,)])
    seen = []
    with caplog.at_level(logging.INFO, "deduper"):
        for batch in batches(table, "stage"):
            assert table.in_transaction
            seen.append(batch)
    assert not table.in_transaction
    assert seen == [(first, first + 1) for first in range(5, 25, 2)]
    assert [record.getMessage() for record in caplog.records][::9] == [
        "stage: 10 % (2 of 20 rows)",
        "stage: 100 % (20 of 20 rows)",
    ]


def test_an_empty_table_has_no_batches(table: sqlite3.Connection) -> None:
    assert list(batches(table, "stage")) == []


def test_a_transaction_that_fails_leaves_nothing(table: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError), transaction(table):
        table.executemany("INSERT INTO ArticleDuplicateAnalyses VALUES (?)", [(1,), (1,)])
    assert table.execute("SELECT count(*) FROM ArticleDuplicateAnalyses").fetchone() == (0,)
