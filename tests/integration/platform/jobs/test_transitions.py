"""The law of states is the database's: every pair is tried, and nobody is asked to be good."""

import itertools
from collections.abc import Iterator

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from caravan.core.database import DatabaseAddress, Role
from caravan.core.ids import uuid7
from caravan.platform.jobs import JobState
from caravan.platform.jobs.models import JobRow

ALLOWED = {
    ("pending", "running"),
    ("pending", "cancelled"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "cancelled"),
}
WAYS = {
    "pending": (),
    "running": ("running",),
    "completed": ("running", "completed"),
    "failed": ("running", "failed"),
    "cancelled": ("cancelled",),
}
CREATE = "SELECT id FROM job_create(%s, %s, 'q', 1, 'w', '{}', NULL, NULL, NULL)"


@pytest.fixture(params=[Role.SYSTEM, Role.APP])
def connection(
    request: pytest.FixtureRequest, module_database: DatabaseAddress
) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database.libpq(request.param)) as opened:
        yield opened


def job_in(connection: psycopg.Connection, state: str, org: object = None) -> tuple[object, object]:
    org, job = org or uuid7(), uuid7()
    connection.execute("SELECT set_config('caravan.org', %s, true)", (str(org),))
    connection.execute(CREATE, (org, job))
    for step in WAYS[state]:
        connection.execute("UPDATE jobs SET state = %s WHERE org_id = %s AND id = %s", (step, org, job))
    return org, job


@pytest.mark.parametrize(("before", "after"), list(itertools.product(map(str, JobState), repeat=2)))
def test_a_job_goes_only_where_the_table_says(
    connection: psycopg.Connection, before: str, after: str
) -> None:
    org, job = job_in(connection, before)
    if before in {"completed", "failed", "cancelled"}:
        connection.execute(
            "UPDATE jobs SET ended_at = now() WHERE org_id = %s AND id = %s AND state = 'cancelled'",
            (org, job),
        )

    def move() -> None:
        with connection.transaction():
            connection.execute("UPDATE jobs SET state = %s WHERE org_id = %s AND id = %s", (after, org, job))

    if (before, after) in ALLOWED or (before == after and before in {"pending", "running"}):
        move()
    else:
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            move()
    listed = connection.execute("SELECT before, after FROM job_transitions").fetchall()
    assert set(listed) == ALLOWED


@pytest.mark.parametrize("column", ["queue", "number", "workflow", "parameters", "reference", "created_at"])
def test_what_a_job_is_never_changes(connection: psycopg.Connection, column: str) -> None:
    value = {"number": "99", "parameters": "'{\"x\": 1}'", "created_at": "'2001-01-01'"}.get(
        column, "'other'"
    )
    org, job = job_in(connection, "running")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        connection.execute(f"UPDATE jobs SET {column} = {value} WHERE org_id = %s AND id = %s", (org, job))  # noqa: S608 - the test's own


def test_a_job_begins_pending(connection: psycopg.Connection) -> None:
    org, _ = job_in(connection, "pending")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        connection.execute(
            "INSERT INTO jobs (org_id, id, queue, number, workflow, parameters, state)"
            " VALUES (%s, %s, 'q', 2, 'w', '{}', 'running')",
            (org, uuid7()),
        )


@pytest.mark.parametrize(
    "statement", ["DELETE FROM jobs", "DELETE FROM job_queues", "DELETE FROM job_transitions"]
)
def test_nobody_removes_jobs_or_the_law(connection: psycopg.Connection, statement: str) -> None:
    job_in(connection, "pending")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_counters_and_version_follow_every_step(connection: psycopg.Connection) -> None:
    org = uuid7()
    for state in WAYS:
        job_in(connection, state, org)
    row = connection.execute(
        "SELECT pending, running, completed, failed, cancelled, last_number, version FROM job_queues WHERE org_id = %s",
        (org,),
    ).fetchone()
    assert row == (1, 1, 1, 1, 1, 5, 5 + 6)


@pytest.mark.parametrize("table", ["job_queues", "jobs", "job_slots", "job_output"])
def test_every_table_shows_a_tenant_its_own_rows_only(module_database: DatabaseAddress, table: str) -> None:
    with psycopg.connect(module_database.libpq(None)) as connection:
        row = connection.execute(
            "SELECT relrowsecurity, relforcerowsecurity,"
            " (SELECT array_agg(polname::text ORDER BY polname) FROM pg_policy WHERE polrelid = c.oid)"
            " FROM pg_class c WHERE oid = %s::regclass",
            (table,),
        ).fetchone()
    assert row == (True, True, ["everything", "tenant"])


def test_the_tables_are_those_of_the_models(module_database: DatabaseAddress) -> None:
    tables = {"job_transitions", "job_queues", "jobs", "job_slots", "job_output"}
    engine = create_engine(module_database.sqlalchemy("psycopg"))
    with engine.connect() as opened:
        context = MigrationContext.configure(
            opened,
            opts={
                "compare_type": True,
                "include_object": lambda thing, _name, kind, *_: (
                    (thing if kind == "table" else thing.table).fullname in tables
                ),
            },
        )
        assert compare_metadata(context, JobRow.metadata) == []
    engine.dispose()
