"""Fresh rows go in without a look-up per foreign key, where the loader may; elsewhere PostgreSQL looks itself."""

import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.load.foreign_keys import may_skip_look_ups, without_look_ups
from tests.fixtures.databases import as_administrator


@pytest.fixture
def family(own_database: DatabaseAddress) -> DatabaseAddress:
    as_administrator(
        own_database,
        "CREATE TABLE parents (id int PRIMARY KEY)",
        "CREATE TABLE children (parent int REFERENCES parents)",
        f"GRANT ALL ON parents, children TO {Role.SYSTEM}",
    )
    return own_database


def test_the_loader_was_granted_the_setting_and_the_service_was_not(own_database: DatabaseAddress) -> None:
    with psycopg.connect(own_database.libpq(Role.SYSTEM)) as loader:
        assert may_skip_look_ups(loader)
        assert loader.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    with psycopg.connect(own_database.libpq(Role.APP)) as service:
        assert not may_skip_look_ups(service)


def test_look_ups_are_skipped_inside_the_block_alone(family: DatabaseAddress) -> None:
    with psycopg.connect(family.libpq(Role.SYSTEM)) as loader, loader.cursor() as cursor:
        with without_look_ups(cursor, allowed=True):
            cursor.execute("INSERT INTO children VALUES (1)")
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            cursor.execute("INSERT INTO children VALUES (2)")
        loader.rollback()


def test_without_the_right_postgresql_looks_itself(family: DatabaseAddress) -> None:
    with psycopg.connect(family.libpq(Role.SYSTEM)) as loader, loader.cursor() as cursor:
        with pytest.raises(psycopg.errors.ForeignKeyViolation), without_look_ups(cursor, allowed=False):
            cursor.execute("INSERT INTO children VALUES (1)")
        loader.rollback()
