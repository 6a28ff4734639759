"""The functions of the hot reads: whose they are, how they are planned, and that they can be taken back."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine

from caravan.core.database import DatabaseAddress, Role
from caravan.core.database.migrate import _config

_OURS = (
    "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
    " WHERE n.nspname IN ('public', 'legacy_rps') AND (p.proname LIKE 'read%' OR n.nspname = 'legacy_rps')"
)


@pytest.fixture
def administrator(own_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with psycopg.connect(own_database.libpq(None), autocommit=True) as connection:
        yield connection


def test_every_read_runs_with_its_callers_rights(administrator: psycopg.Connection) -> None:
    definers = administrator.execute(f"{_OURS} AND p.prosecdef".encode()).fetchall()
    assert definers == []


def test_reads_that_were_taken_back_leave_nothing_and_come_again(
    own_database: DatabaseAddress, administrator: psycopg.Connection
) -> None:
    before = administrator.execute(_OURS).fetchall()
    assert len(before) > 20
    engine = create_engine(own_database.libpq(Role.OWNER).replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        command.downgrade(_config(connection), "0006_legacy_rps")
        connection.commit()
        assert administrator.execute(_OURS).fetchall() == []
        command.upgrade(_config(connection), "0007_read_models")
        connection.commit()
    engine.dispose()
    assert sorted(administrator.execute(_OURS).fetchall()) == sorted(before)


@pytest.mark.parametrize(
    ("sort", "index"),
    [("-created_at", "ix_orders_org_id_created_at"), ("-placed_at", "ix_orders_org_id_placed_at")],
)
def test_a_page_of_a_big_list_is_found_by_its_index(
    own_database: DatabaseAddress, administrator: psycopg.Connection, sort: str, index: str
) -> None:
    org = uuid4()
    administrator.execute("INSERT INTO organisations (id, code, name) VALUES (%s, 'shop', 'Shop')", (org,))
    administrator.execute(
        "INSERT INTO orders (org_id, id, currency, created_at, placed_at) SELECT %s, gen_random_uuid(), 'EUR',"
        " timestamptz '2026-01-01' + n * interval '1 minute', timestamptz '2026-01-01' - n * interval '1 minute'"
        " FROM generate_series(1, 5000) n",
        (org,),
    )
    administrator.execute("ANALYZE orders")
    plans: list[str] = []
    administrator.add_notice_handler(lambda notice: plans.append(notice.message_primary or ""))
    for setting in (
        "LOAD 'auto_explain'",
        "SET auto_explain.log_min_duration = 0",
        "SET auto_explain.log_nested_statements = on",
        "SET client_min_messages = log",
        f"SET ROLE {Role.APP}",
    ):
        administrator.execute(setting.encode())
    administrator.execute("SELECT read_orders(%s, NULL, NULL, %s, 20, NULL, NULL)", (org, sort))
    assert any(f"Index Scan Backward using {index}" in plan for plan in plans)
    bodies_of_calls = [plan for plan in plans if "Query Text: \n    SELECT" in plan]
    assert bodies_of_calls == [], "these functions were called, not put in place"
