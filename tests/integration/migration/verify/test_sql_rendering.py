"""PostgreSQL encodes and hashes rows exactly as Python does."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from caravan.core.database import DatabaseAddress
from caravan.migration.mapping.contract import Column
from caravan.migration.verify import RowEncoder
from caravan.migration.verify.encoding import MODULUS
from caravan.migration.verify.jsonb_text import jsonb_text
from caravan.migration.verify.sql_rendering import cell, lane, qualified, row_hash

COLUMNS = (
    Column("id", "uuid"),
    Column("words", "text"),
    Column("amount", "numeric", 4),
    Column("weight", "numeric"),
    Column("yes", "boolean"),
    Column("small", "integer"),
    Column("large", "bigint"),
    Column("at", "timestamptz"),
    Column("extra", "jsonb"),
    Column("raw", "bytea"),
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
ROWS = st.tuples(
    st.uuids(),
    st.none() | TEXT,
    st.none() | st.decimals(-(10**13), 10**13, places=4),
    st.none() | st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False),
    st.none() | st.booleans(),
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - the bounds are zoned by timezones
    st.none() | JSON,
    st.none() | st.binary(max_size=20),
)
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def connection(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database.libpq(None), autocommit=True) as connection:
        columns = ", ".join(
            f'"{column.name}" ' + ("numeric(18,4)" if column.scale else column.type) for column in COLUMNS
        )
        connection.execute(f"CREATE TEMP TABLE held ({columns})".encode())
        yield connection


@MANY
@given(row=ROWS)
def test_every_row_hashes_alike_on_both_sides(connection: psycopg.Connection, row: tuple[Any, ...]) -> None:
    document = json.dumps(row[8], ensure_ascii=False).encode() if row[8] is not None else None
    mapped = (row[0].bytes, *row[1:8], document, row[9])
    connection.execute("DELETE FROM held")
    connection.execute(
        "INSERT INTO held VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s)",
        (*row[:8], document.decode() if document is not None else None, row[9]),
    )
    cells = [cell(column, sql.Identifier("t", column.name)) for column in COLUMNS]
    statement = sql.SQL(
        "SELECT ARRAY[{cells}], {a}, {b} FROM held t, LATERAL (SELECT {hash} AS h) hashed"
    ).format(
        cells=sql.SQL(", ").join(cells),
        hash=row_hash(cells),
        a=lane(sql.Identifier("h"), first=True),
        b=lane(sql.Identifier("h"), first=False),
    )
    found = connection.execute(statement).fetchone()
    assert found is not None
    encoder = RowEncoder(COLUMNS)
    total = encoder.sum([mapped])
    assert found[0] == encoder.cells(mapped)
    assert (found[1] % MODULUS, found[2] % MODULUS) == (total.a, total.b)


@MANY
@given(value=JSON)
def test_jsonb_prints_as_postgresql_prints_it(connection: psycopg.Connection, value: object) -> None:
    text = json.dumps(value)
    found = connection.execute("SELECT %s::jsonb::text", (text,)).fetchone()
    assert found == (jsonb_text(text.encode()),)


@MANY
@given(
    digits=st.from_regex(r"-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
)
def test_numbers_in_jsonb_keep_postgresqls_digits(connection: psycopg.Connection, digits: str) -> None:
    found = connection.execute("SELECT %s::jsonb::text", (digits,)).fetchone()
    assert found == (jsonb_text(digits.encode()),)


def test_doubles_of_every_size_print_alike(connection: psycopg.Connection) -> None:
    values = [5e-324, math.pi, 1e22, 1e300, -2.5, 0.1]
    found = connection.execute("SELECT %s::jsonb::text", (json.dumps(values),)).fetchone()
    assert found == (jsonb_text(json.dumps(values).encode()),)


def test_a_table_may_stand_in_a_schema() -> None:
    assert qualified("legacy_rps.orders").as_string(None) == '"legacy_rps"."orders"'
    assert qualified('od"d').as_string(None) == '"od""d"'
    assert UUID(int=0)
