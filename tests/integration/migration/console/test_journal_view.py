"""The journal's page checks what is new, remembers what it has checked, and notices when that has changed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.migration.console.journal_view import JournalReader
from caravan.migration.units import Scope, append, connected


class Clock:
    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def connection(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with connected(module_database) as connection:
        yield connection


def written(connection: psycopg.Connection, scope: Scope, count: int) -> None:
    for number in range(count):
        with connection.transaction(), connection.cursor() as cursor:
            append(cursor, scope, at=utc_now(), phase="step", by="ann", facts={"number": number})


def change(connection: psycopg.Connection, scope: Scope, number: int) -> None:
    row = {**scope.parameters, "number": number}
    connection.execute(
        "UPDATE engine.migration_journal SET by = 'eve' WHERE org_id = %(org)s AND migration = %(migration)s"
        " AND number = %(number)s",
        row,
    )


def test_only_what_is_new_is_checked_until_somebody_wants_all_or_an_hour_has_passed(
    connection: psycopg.Connection,
) -> None:
    scope, clock = Scope(uuid4(), "shop"), Clock()
    reader = JournalReader(clock)
    written(connection, scope, 5)
    assert reader.broken(connection, scope, anew=False) == (None, None)
    written(connection, scope, 3)
    said, since = reader.broken(connection, scope, anew=False)
    assert (said, since and since.number) == (None, 5)
    change(connection, scope, 2)  # behind what was checked: not looked at again for this page
    said, since = reader.broken(connection, scope, anew=False)
    assert (said, since and since.number) == (None, 8)
    assert reader.broken(connection, scope, anew=True) == ("entry 2 was changed", None)
    assert reader.broken(connection, scope, anew=False) == (
        "entry 2 was changed",
        None,
    )  # and it is not forgotten


def test_a_changed_or_missing_last_entry_is_noticed_at_the_next_view(connection: psycopg.Connection) -> None:
    scope = Scope(uuid4(), "shop")
    reader = JournalReader()
    written(connection, scope, 3)
    assert reader.broken(connection, scope, anew=False) == (None, None)
    connection.execute(
        "DELETE FROM engine.migration_journal WHERE org_id = %(org)s AND number = 3", scope.parameters
    )
    said, _ = reader.broken(connection, scope, anew=False)
    assert said == "entry 3 is not what it was when it was checked last"


def test_after_an_hour_every_entry_is_checked_again(connection: psycopg.Connection) -> None:
    scope, clock = Scope(uuid4(), "shop"), Clock()
    reader = JournalReader(clock)
    written(connection, scope, 3)
    reader.broken(connection, scope, anew=False)
    change(connection, scope, 1)
    clock.now += timedelta(hours=2)
    assert reader.broken(connection, scope, anew=False)[0] == "entry 1 was changed"
