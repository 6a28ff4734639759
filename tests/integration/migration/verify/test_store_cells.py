"""Each store's SQL makes the very bytes that Python makes, for any value."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
import pymysql
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from caravan.core.database import DatabaseAddress
from caravan.migration.verify.pairs.agreement import Agreement, Described, agree
from caravan.migration.verify.pairs.cells import cell, texts_of
from caravan.migration.verify.pairs.hashing import digests, row_hash
from caravan.migration.verify.pairs.kinds import Kind
from caravan.migration.verify.pairs.tables import Key, Range, Way
from caravan.migration.verify.pairs.value_texts import text_maker
from caravan.migration.verify.stores.mariadb import MariadbTable
from caravan.migration.verify.stores.postgres import PostgresTable
from caravan.migration.verify.stores.sqlite import SqliteTable
from tests.fixtures.capabilities import needs
from tests.fixtures.mariadb_server import PrivateMariadb

POSTGRES = """CREATE TABLE IF NOT EXISTS held (id int PRIMARY KEY, words text, amount numeric(18,4), weight numeric, large bigint,
    yes boolean, at timestamptz, noted timestamp, day date, name uuid, raw bytea, ratio double precision, extra jsonb)"""
MARIADB = """CREATE TABLE IF NOT EXISTS held (id int PRIMARY KEY, words longtext, amount decimal(18,4), weight decimal(30,9),
    large bigint, yes tinyint(1), at timestamp(6) NULL, noted datetime(6), day date, name uuid, raw longblob, ratio double,
    extra longtext) CHARACTER SET utf8mb4"""
SQLITE = "CREATE TABLE held (id INTEGER PRIMARY KEY, words, amount, weight, large, yes, at, noted, day, name, raw, ratio, extra)"
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31))  # noqa: DTZ001 - as columns without a zone hold them
ROW = st.tuples(
    st.none() | TEXT,
    st.none() | st.decimals(-(10**13), 10**13, places=4),
    st.none() | st.decimals(-(10**12), 10**12, places=9),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.booleans(),
    st.none() | MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC)),
    st.none() | MOMENTS,
    st.none() | st.dates(date(1000, 1, 1), date(9999, 12, 31)),
    st.none() | st.uuids(version=4),
    st.none() | st.binary(max_size=12),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | JSON,
)
MANY = settings(
    max_examples=12,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
EMPTY = (None,) * 12
EDGES = ("", Decimal("-0.0001"), Decimal("1E+9"), 0, False, datetime(2000, 1, 1, tzinfo=UTC),
         datetime(2000, 1, 1, 0, 0, 0, 100000), date(2000, 2, 29), None, b"", 1e15, {})  # noqa: DTZ001  # fmt: skip
"""Empty things, and doubles where the forms of numbers change."""


@pytest.fixture(scope="module")
def postgres(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database.libpq(None), autocommit=True) as connection:
        connection.execute(POSTGRES.encode())
        yield connection


Rows: TypeAlias = list[tuple[Any, ...]]
NUMBERS = (
    -0.0,
    5e-324,
    1.7976931348623157e308,
    2.2250738585072014e-308,
    123456789012345.6,
    0.30000000000000004,
    1e-5,
    1e22,
)
EXAMPLES: Rows = [EMPTY, EDGES, *((*EDGES[:10], number, None) for number in NUMBERS)]


@MANY
@given(rows=st.lists(ROW, min_size=1, max_size=30))
@example(EXAMPLES)
def test_postgresql_makes_what_python_makes(
    postgres: psycopg.Connection, module_database: DatabaseAddress, rows: Rows
) -> None:
    postgres.execute("TRUNCATE held")
    statement = f"INSERT INTO held VALUES (%s{', %s' * 12})".encode()  # noqa: S608 - placeholders
    for number, row in enumerate(rows, 1):
        document = Jsonb(row[11]) if row[11] is not None else None
        postgres.execute(statement, (number, *row[:11], document))
    table = PostgresTable(module_database.libpq(None), "held")
    try:
        agreement = agree(table.described, table.described)
        side = table.prepare(agreement, "left", dict.fromkeys((one.name for one in agreement.columns), "sql"))
        wanted = wanted_cells(agreement, rows)
        assert side.rows(list(wanted)) == {
            key: [texts_of(agreement.columns, cells)] for key, cells in wanted.items()
        }
        assert sorted(side.lines(Range())) == sorted(
            f"{row_hash(cells)}{key[0]};" for key, cells in wanted.items()
        )
        assert [side.value(Range())] == digests([(cells,) for cells in wanted.values()], 1)
    finally:
        table.close()


@pytest.fixture(scope="module")
def maria(mariadb: PrivateMariadb) -> Iterator["pymysql.cursors.Cursor"]:
    connection = mariadb.connect()
    cursor = connection.cursor()
    cursor.execute("CREATE DATABASE IF NOT EXISTS cells")
    cursor.execute("USE cells")
    cursor.execute("SET time_zone = '+00:00'")
    cursor.execute(MARIADB)
    yield cursor
    connection.close()


@needs("mariadbd")
@MANY
@given(rows=st.lists(ROW, min_size=1, max_size=30))
@example(EXAMPLES)
def test_mariadb_makes_what_python_makes(
    maria: "pymysql.cursors.Cursor", mariadb: PrivateMariadb, rows: Rows
) -> None:
    maria.execute("DELETE FROM held")
    rows = [
        (*row[:10], None if row[10] is None else row[10] + 0.0, row[11]) for row in rows
    ]  # its literals know no -0
    for number, row in enumerate(rows, 1):
        values = [value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in row[:11]]
        raw = json.dumps(row[11]) if row[11] is not None else None
        maria.execute(f"INSERT INTO held VALUES (%s{', %s' * 12})", (number, *map(_bound, values), raw))  # noqa: S608 - as above
    table = MariadbTable(mariadb.url("cells"), "held")
    try:
        agreement = agree(table.described, meant(table.described, {"yes": "boolean", "extra": "json"}))
        here = table.renders(agreement, "left")
        ways: dict[str, Way] = {
            one.name: "sql" if one.name in here else "python" for one in agreement.columns
        }
        assert [name for name, way in ways.items() if way == "python"] == ["ratio", "extra"]
        side = table.prepare(agreement, "left", ways)
        wanted = wanted_cells(agreement, rows)
        assert side.rows(list(wanted)) == {
            key: [texts_of(agreement.columns, cells)] for key, cells in wanted.items()
        }
        parts = [
            [part(agreement, cells, ways, way) for way in ("sql", "python")] for cells in wanted.values()
        ]
        lines = [
            f"{row_hash(sql)}{row_hash(python)}{key[0]};"
            for key, (sql, python) in zip(wanted, parts, strict=True)
        ]
        assert sorted(side.lines(Range())) == sorted(lines)
        assert side.value(Range()).digest == " ".join(one.digest for one in digests(parts, 2))
    finally:
        table.close()


def wanted_cells(agreement: Agreement, rows: Rows) -> dict[Key, str]:
    """What Python makes of the rows, by key."""
    found = {}
    for number, row in enumerate(rows, 1):
        raw = json.dumps(row[11]) if row[11] is not None else None
        found[(str(number),)] = "".join(
            cell(column.kind, None if value is None else text_maker(column)(value))
            for column, value in zip(agreement.columns, (number, *row[:11], raw), strict=True)
        )
    return found


def part(agreement: Agreement, cells: str, ways: Mapping[str, Way], way: Way) -> str:
    texts = texts_of(agreement.columns, cells)
    return "".join(
        cell(column.kind, text)
        for column, text in zip(agreement.columns, texts, strict=True)
        if ways[column.name] == way
    )


def meant(table: Described, kinds: Mapping[str, Kind]) -> Described:
    """The table as another store would describe it."""
    columns = tuple(replace(one, kind=kinds.get(one.name, one.kind)) for one in table.columns)
    return Described("other", columns, table.key)


def test_sqlite_values_of_another_type_are_odd_and_never_equal_to_anything(tmp_path: Path) -> None:
    path = tmp_path / "held.db"
    file = sqlite3.connect(path)
    file.execute(SQLITE)
    file.execute(
        "INSERT INTO held VALUES (1, 7, 'twelve', 1e400, 'x', 2, 'yesterday', 5, '2024-02-30', 'no', 'text', 'pi', '{')"
    )
    file.commit()
    file.close()
    table = SqliteTable(path, "held")
    kinds: dict[str, Kind] = {
        "id": "integer", "words": "text", "amount": "decimal", "weight": "decimal", "large": "integer", "yes": "boolean",
        "at": "instant", "noted": "moment", "day": "date", "name": "uuid", "raw": "bytes", "ratio": "float", "extra": "json",
    }  # fmt: skip
    agreement = agree(table.described, meant(table.described, kinds))
    side = table.prepare(agreement, "left", dict.fromkeys((one.name for one in agreement.columns), "sql"))
    (row,) = side.rows([("1",)])[("1",)]
    table.close()
    assert [text[:1] if text else text for text in row] == ["1", *"?" * 12]


def _bound(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value
