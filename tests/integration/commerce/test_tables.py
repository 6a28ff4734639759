"""The tables of commerce and of RPS: as the models say, isolated by tenant, tied together the way their rows live."""

from collections.abc import Iterator
from importlib import import_module
from uuid import UUID, uuid4

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from caravan.core.database import DatabaseAddress, Role
from caravan.core.database.base import Base

FEATURES = ("catalog", "customers", "promotions", "affiliates", "orders", "payments")
for module in (
    "caravan.platform.identity.models",
    *(f"caravan.commerce.{name}.models" for name in FEATURES),
    "caravan.legacy.rps.models",
):
    import_module(module)

TABLES = sorted(
    table.fullname
    for mapper in Base.registry.mappers
    if mapper.class_.__module__.startswith(("caravan.commerce.", "caravan.legacy.rps."))
    for table in mapper.tables
)


def test_the_tables_in_the_database_are_those_of_the_models(module_database: DatabaseAddress) -> None:
    engine = create_engine(module_database.sqlalchemy("psycopg"))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name in {None, "legacy_rps"},
                "include_object": lambda thing, _name, kind, *_: (
                    (thing if kind == "table" else thing.table).fullname in TABLES
                ),
            },
        )
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


@pytest.mark.parametrize("table", TABLES)
def test_every_table_shows_a_tenant_its_own_rows_only(module_database: DatabaseAddress, table: str) -> None:
    with psycopg.connect(module_database.libpq(None)) as connection:
        row = connection.execute(
            "SELECT relrowsecurity, relforcerowsecurity,"
            " (SELECT array_agg(polname::text ORDER BY polname) FROM pg_policy WHERE polrelid = c.oid)"
            " FROM pg_class c WHERE oid = %s::regclass",
            (table,),
        ).fetchone()
    assert row == (True, True, ["everything", "tenant"])


@pytest.fixture
def shop(module_database: DatabaseAddress) -> Iterator[tuple[psycopg.Connection, UUID]]:
    """The system's connection with an organisation, rolled back at the end."""
    with psycopg.connect(module_database.libpq(Role.SYSTEM)) as connection:
        org = uuid4()
        connection.execute(
            "INSERT INTO organisations (id, code, name) VALUES (%s, %s, 'Shop')", (org, f"s{org.hex[:20]}")
        )
        yield connection, org
        connection.rollback()


def made(connection: psycopg.Connection, table: str, org: UUID, **values: object) -> UUID:
    """Insert a row and return its id."""
    row = {"org_id": org, "id": uuid4()} | values
    connection.execute(
        f"INSERT INTO {table} ({', '.join(row)})"  # noqa: S608 - names from this file
        f" VALUES ({', '.join(['%s'] * len(row))})".encode(),
        list(row.values()),
    )
    return row["id"]  # type: ignore[return-value]


def test_an_order_outlives_its_customer_and_keeps_its_tenant(shop: tuple[psycopg.Connection, UUID]) -> None:
    connection, org = shop
    customer = made(connection, "customers", org, email="A@example.com")
    order = made(connection, "orders", org, customer_id=customer, currency="EUR")
    connection.execute("DELETE FROM customers WHERE id = %s", (customer,))
    found = connection.execute("SELECT org_id, customer_id FROM orders WHERE id = %s", (order,)).fetchone()
    assert found == (org, None)


def test_lines_addresses_and_side_rows_go_with_their_order(shop: tuple[psycopg.Connection, UUID]) -> None:
    connection, org = shop
    order = made(connection, "orders", org, currency="EUR")
    line = made(connection, "order_items", org, order_id=order, position=0, quantity=1)
    made(connection, "addresses", org, order_id=order, kind="billing")
    made(connection, "tracking_numbers", org, order_id=order, position=0, code="T1")
    made(connection, "legacy_rps.orders", org, id=order, state="partial")
    made(connection, "legacy_rps.order_items", org, id=line, order_id=order, warehouse_id="w")
    connection.execute("DELETE FROM orders WHERE id = %s", (order,))
    for table in (
        "order_items",
        "addresses",
        "tracking_numbers",
        "legacy_rps.orders",
        "legacy_rps.order_items",
    ):
        left = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 - see above
        assert left == (0,), table


def test_a_row_cannot_refer_to_another_tenant(shop: tuple[psycopg.Connection, UUID]) -> None:
    connection, org = shop
    other = uuid4()
    connection.execute(
        "INSERT INTO organisations (id, code, name) VALUES (%s, %s, 'Other')", (other, f"o{other.hex[:20]}")
    )
    customer = made(connection, "customers", other)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        made(connection, "orders", org, customer_id=customer, currency="EUR")


def test_a_promotion_code_is_unique_within_its_organisation(shop: tuple[psycopg.Connection, UUID]) -> None:
    connection, org = shop
    made(connection, "promotions", org, code="SPRING")
    with pytest.raises(psycopg.errors.UniqueViolation):
        made(connection, "promotions", org, code="SPRING")


def test_a_look_up_by_email_uses_its_index_under_row_level_security(module_database: DatabaseAddress) -> None:
    with psycopg.connect(module_database.libpq(Role.APP)) as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        connection.execute("SELECT set_config('caravan.org', %s, true)", (str(uuid4()),))
        plan = connection.execute(
            "EXPLAIN SELECT 1 FROM customers WHERE email_folded = 'a@example.com'"
        ).fetchall()
    assert any("Index Cond" in line and "email_folded" in line for (line,) in plan)
