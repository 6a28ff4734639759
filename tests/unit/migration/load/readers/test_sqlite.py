import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caravan.migration.load.readers import BrokenRecord, Record, Rules, decode, open_source
from caravan.migration.load.readers.sqlite import SqliteReader

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(*statements: str) -> Path:
        file = tmp_path / "shop.db"
        with closing(sqlite3.connect(file)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
        return file

    return made


def test_each_value_keeps_the_type_it_has_whatever_its_column_declares(make: Make):
    file = make(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v NUMERIC)",
        "INSERT INTO t VALUES (1, 7), (2, 0.5), (3, 'words'), (4, x'00ff'), (5, NULL), (6, -9223372036854775808)",
    )
    reader = open_source(file)
    assert isinstance(reader, SqliteReader)
    with closing(reader):
        found = [decode("row", record.raw)["v"] for record in reader.read("t")]

    assert list(map(repr, found)) == ["7", "0.5", "'words'", "b'\\x00\\xff'", "None", "-9223372036854775808"]


def test_invalid_text_is_quarantined_with_its_key_and_column(make: Make):
    file = make(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (3, CAST(x'62ff' AS TEXT))"
    )
    with closing(SqliteReader(file)) as reader:
        (refused,) = reader.read("t")

    assert isinstance(refused, BrokenRecord)
    assert (refused.reason, refused.field) == ("text.invalid", "v")
    assert "row id=3, column v" in refused.detail


def test_dates_are_read_by_the_declared_rule_and_refused_where_it_does_not_fit(make: Make):
    file = make(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at)",
        "INSERT INTO t VALUES (1, 0), (2, 'tomorrow')",
    )
    with closing(SqliteReader(file, Rules(columns={"t.at": "unix"}))) as reader:
        good, refused = reader.read("t")

    assert decode("row", good.raw)["at"] == datetime(1970, 1, 1, tzinfo=UTC)
    assert isinstance(refused, BrokenRecord)
    assert refused.reason == "value.not_as_declared"


def test_ranges_meet_each_row_once_also_without_rowid_and_with_composite_keys(make: Make):
    file = make(
        "CREATE TABLE t (a TEXT, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "INSERT INTO t VALUES ('x', -1), ('x', 2), ('it''s', 1), ('y', 0), ('日', 5)",
    )
    with closing(SqliteReader(file)) as reader:
        whole = [record.raw for record in reader.read("t")]
        parts = [[record.raw for record in reader.read_range("t", each)] for each in reader.ranges("t", 3)]

    assert [raw for part in parts for raw in part] == whole
    assert [len(part) for part in parts] == [2, 2, 1]


def test_a_csv_file_is_read_by_its_header_and_a_short_row_is_quarantined(tmp_path: Path):
    file = tmp_path / "orders.csv"
    file.write_bytes(b'id,paid,note\n1,19.90,"two\nlines"\n2,1\n3,x,\n')
    reader = open_source(file, rules=Rules(columns={"orders.paid": "decimal"}, empty_is_null=True))
    first, short, wrong = reader.read("orders")

    assert isinstance(first, Record)
    assert {name: str(value) for name, value in decode("row", first.raw).items()} == {
        "id": "1",
        "paid": "19.90",
        "note": "two\nlines",
    }
    assert isinstance(short, BrokenRecord)
    assert isinstance(wrong, BrokenRecord)
    assert (short.reason, wrong.reason, wrong.field) == ("row.wrong_length", "value.not_as_declared", "paid")
