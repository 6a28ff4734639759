"""The rule in SQL is the rule in Python: every combination of what a row holds, the floor, and what comes."""

from collections.abc import Iterator
from itertools import product
from uuid import UUID, uuid4

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.sync.holding import open_connection
from caravan.migration.sync.places import LAST_STEP, Held, Place, change_wins, chunk_wins
from caravan.migration.sync.row_places import (
    EVERY_ROW,
    PlacedRow,
    note_chunk,
    raise_floor,
    take_places,
)

PLACES = [Place(number, step) for number in (1, 2, 3) for step in (0, 1, LAST_STEP)]
HELD = [None, *(Held(place, deleted=deleted) for place in PLACES for deleted in (False, True))]
FLOORS = [None, Place(1, 1), Place(2, 0), Place(2, LAST_STEP), Place(3, 1)]


@pytest.fixture(scope="module")
def connection(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    connection = open_connection(module_database)
    yield connection
    connection.close()


def stored(
    connection: psycopg.Connection, floor: Place | None
) -> tuple[dict[str, object], dict[Held | None, UUID]]:
    """Write one row per value of HELD under a floor, in a scope of its own."""
    scope = {"org": uuid4(), "migration": "grid", "data_set": "rows"}
    rows = {held: uuid4() for held in HELD}
    values = [(rows[held], held.place, held.deleted) for held in HELD if held is not None]
    if floor is not None:
        values.append((EVERY_ROW, floor, True))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO engine.applied VALUES (%s, 'grid', 'rows', %s, %s, %s, %s)",
            [(scope["org"], row_id, place.number, place.step, deleted) for row_id, place, deleted in values],
        )
    return scope, rows


@pytest.mark.parametrize("floor", FLOORS)
def test_changes_win_in_sql_as_in_python(connection: psycopg.Connection, floor: Place | None) -> None:
    for incoming, deleted in product(PLACES, (False, True)):
        scope, rows = stored(connection, floor)
        with connection.cursor() as cursor:
            won = take_places(
                cursor, scope, [PlacedRow(row_id, incoming, deleted) for row_id in rows.values()]
            )
        expected = {row_id for held, row_id in rows.items() if change_wins(held, floor, incoming)}
        assert won == expected, (incoming, floor)
        found = connection.execute(
            "SELECT row_id FROM engine.applied WHERE org_id = %s AND (number, step, deleted) = (%s, %s, %s)"
            " AND row_id = ANY(%s)",
            (scope["org"], incoming.number, incoming.step, deleted, list(won)),
        ).fetchall()
        assert {row[0] for row in found} == won


@pytest.mark.parametrize("floor", FLOORS)
def test_chunks_win_in_sql_as_in_python(connection: psycopg.Connection, floor: Place | None) -> None:
    for snapshot in (1, 2, 3):
        scope, rows = stored(connection, floor)
        with connection.cursor() as cursor:
            won = note_chunk(cursor, scope, rows.values(), snapshot=snapshot)
        assert won == {row_id for held, row_id in rows.items() if chunk_wins(held, floor, snapshot)}


def test_a_truncate_takes_the_rows_that_hold_nothing_newer(connection: psycopg.Connection) -> None:
    scope, rows = stored(connection, None)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO engine.legacy_keys (org_id, row_id, migration, data_set, tag, key, ordinal)"
            " VALUES (%s, %s, 'grid', 'rows', 'i', %s, 0)",
            [(scope["org"], row_id, str(row_id)) for row_id in rows.values()],
        )
        emptied = raise_floor(cursor, scope, Place(2, 1))
        assert emptied == {
            row_id for held, row_id in rows.items() if held is None or held.place < Place(2, 1)
        }
        assert raise_floor(cursor, scope, Place(2, 0)) == set()
