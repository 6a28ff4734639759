"""One holder at a time; a holder that is gone is followed by one with a higher number, and cannot act any more."""

import subprocess
import sys
import time
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.units import LeaseHeldError, LeaseLostError, Scope, connected, held_lease


@pytest.fixture
def connection(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with connected(module_database) as connection:
        yield connection


@pytest.fixture
def scope() -> Scope:
    return Scope(uuid4(), "shop")


def expire(connection: psycopg.Connection, scope: Scope) -> None:
    connection.execute(
        "UPDATE engine.migration_leases SET expires_at = now() - interval '1 s' WHERE org_id = %(org)s",
        scope.parameters,
    )


def test_a_second_holder_is_told_who_is_first(connection: psycopg.Connection, scope: Scope) -> None:
    with (
        held_lease(connection, scope, holder="ann"),
        pytest.raises(LeaseHeldError, match=r"ann holds the migration 'shop' since \d\d:\d\d:\d\d, until"),
        held_lease(connection, scope, holder="bob"),
    ):
        pass


def test_another_migration_is_free(connection: psycopg.Connection, scope: Scope) -> None:
    with (
        held_lease(connection, scope, holder="ann"),
        held_lease(connection, Scope(scope.org_id, "other"), holder="bob") as other,
    ):
        assert other.fencing == 1


def test_a_released_lease_is_free_at_once_and_numbers_grow(
    connection: psycopg.Connection, scope: Scope
) -> None:
    numbers = []
    for holder in ("ann", "ann", "bob"):
        with held_lease(connection, scope, holder=holder) as lease:
            numbers.append(lease.fencing)
    assert numbers == [1, 2, 3]


def test_whoever_lost_the_lease_commits_nothing_more(connection: psycopg.Connection, scope: Scope) -> None:
    with held_lease(connection, scope, holder="ann") as lost:
        expire(connection, scope)
        with (
            held_lease(connection, scope, holder="ann") as present,
            connection.transaction(),
            connection.cursor() as cursor,
        ):
            present.hold(cursor)
            with pytest.raises(LeaseLostError):
                lost.hold(cursor)
    with held_lease(connection, scope, holder="bob") as after:
        assert after.fencing == 3


HOLDER = """
import sys, time
from uuid import UUID
from caravan.core.database import DatabaseAddress
from caravan.migration.units import Scope, connected, held_lease
with connected(DatabaseAddress.parse(sys.argv[1])) as connection:
    with held_lease(connection, Scope(UUID(sys.argv[2]), "shop"), holder="a command"):
        print("holds", flush=True)
        time.sleep(600)
"""


def test_a_killed_holder_is_followed_at_once_and_a_living_one_is_not(
    module_database: DatabaseAddress, connection: psycopg.Connection, scope: Scope
) -> None:
    command = [sys.executable, "-c", HOLDER, module_database.url, str(scope.org_id)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"holds\n"
        with pytest.raises(LeaseHeldError, match="a command holds"), held_lease(connection, scope):
            pass
        holder.kill()
    deadline = time.monotonic() + 20  # the lease itself lasts 30 s
    while True:
        try:
            with held_lease(connection, scope, holder="bob") as lease:
                assert lease.fencing == 2
            return
        except LeaseHeldError:  # the server has not noticed yet
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_holding_on_renews_it(connection: psycopg.Connection, scope: Scope) -> None:
    def expires() -> object:
        row = connection.execute(
            "SELECT expires_at FROM engine.migration_leases WHERE org_id = %(org)s", scope.parameters
        ).fetchone()
        assert row is not None
        return row[0]

    with held_lease(connection, scope) as lease:
        before = expires()
        with connection.transaction(), connection.cursor() as cursor:
            lease.hold(cursor)
        assert expires() > before  # type: ignore[operator]  # both are times
