"""What the mapping makes of the sample fits PostgreSQL's tables: types of binary COPY, checks, JSON."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import bson
import psycopg
import pytest
from bson.codec_options import CodecOptions, DatetimeConversion
from psycopg import sql
from psycopg.types.json import Jsonb

from caravan.core.database import DatabaseAddress
from caravan.core.ids import source_namespace
from caravan.migration.mapping.contract import Mapping, MappingContext, UnmappableError
from caravan.migration.mapping.registry import load_mapping

DUMP = Path(__file__).resolve().parents[4] / "examples" / "rps" / "dump"
NAMES = ("affiliates", "promos", "products", "customers", "orders", "transactions")
OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)


def rows_of(entity: Mapping, collection: str, context: MappingContext) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of a collection by table."""
    found: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in entity.tables}
    with gzip.open(DUMP / f"{collection}.bson.gz") as file:
        for document in bson.decode_file_iter(file, codec_options=OPTIONS):
            try:
                record = entity.map(document, context)
            except UnmappableError:
                continue
            for name, rows in record.rows.items():
                found[name] += rows
    return found


@pytest.fixture(scope="module")
def loaded(module_database: DatabaseAddress) -> Iterator[tuple[psycopg.Connection, UUID]]:
    """The sample copied into the tables; what its references point to is not looked at here."""
    org = uuid4()
    context = MappingContext(org, None, source_namespace("rps", org))
    with psycopg.connect(module_database.libpq(None)) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        for name in NAMES:
            entity = load_mapping(f"caravan.legacy.rps.mapping:{name}")
            rows = rows_of(entity, name, context)
            for table in entity.tables:
                statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
                    sql.Identifier(*table.name.split(".")),
                    sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns),
                )
                with connection.cursor().copy(statement) as copy:
                    copy.set_types([column.type for column in table.columns])
                    for row in rows[table.name]:
                        copy.write_row(_bound(row, [column.type for column in table.columns]))
        yield connection, org
        connection.rollback()


def _bound(row: tuple[Any, ...], types: list[str]) -> list[Any]:
    return [_value(value, kind) for value, kind in zip(row, types, strict=True)]


def _value(value: Any, kind: str) -> object:  # noqa: ANN401 - a cell
    if value is None:
        return None
    if kind == "uuid":
        return UUID(bytes=value)
    return Jsonb(value, dumps=bytes) if kind == "jsonb" else value


def test_every_row_is_taken(loaded: tuple[psycopg.Connection, UUID]) -> None:
    connection, org = loaded
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM orders WHERE org_id = %(org)s),"
        " (SELECT count(*) FROM order_items WHERE org_id = %(org)s),"
        " (SELECT count(*) FROM legacy_rps.orders WHERE org_id = %(org)s)",
        {"org": org},
    ).fetchone()
    assert counts == (1996, 16810, 1996)


def test_what_was_not_taken_is_there_word_for_word(loaded: tuple[psycopg.Connection, UUID]) -> None:
    connection, org = loaded
    kinds = connection.execute(
        "SELECT DISTINCT key FROM orders, jsonb_object_keys(extra -> '_original') AS key WHERE org_id = %s ORDER BY 1",
        (org,),
    ).fetchall()
    assert kinds == [("amount",), ("deliveryDate",), ("state",)]


def test_the_invariants_of_the_mapping_hold(loaded: tuple[psycopg.Connection, UUID]) -> None:
    connection, org = loaded
    for name in NAMES:
        for invariant in load_mapping(f"caravan.legacy.rps.mapping:{name}").invariants:
            assert connection.execute(invariant.sql.encode(), {"org_id": org}).fetchall() == [], (
                invariant.name
            )


def test_an_order_with_a_gap_in_its_lines_breaks_an_invariant(
    loaded: tuple[psycopg.Connection, UUID],
) -> None:
    connection, org = loaded
    (invariant,) = load_mapping("caravan.legacy.rps.mapping:orders").invariants
    with connection.transaction(force_rollback=True):
        connection.execute("UPDATE order_items SET position = position + 1 WHERE org_id = %s", (org,))
        broken = connection.execute(invariant.sql.encode(), {"org_id": org}).fetchall()
    assert broken
    assert "are not numbered 0, 1, 2" in broken[0][0]
