"""Before anything is read, a mapping is held against its source and its target, and everything wrong is told at once."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.load.errors import MappingUnfitError
from tests.fixtures.source_loads import DraftedLoad, drafted_load

_RULES = 'columns = { "things.at" = "unix", "things.ok" = "boolean" }'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as file:
        file.executescript(
            "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, price DECIMAL(10,2), at INTEGER, ok INTEGER, note TEXT);"
            "INSERT INTO things VALUES (1, 'a', 1.5, 0, 1, 'n');"
        )
    return tmp_path / "shop.db"


def refused(load: DraftedLoad) -> list[str]:
    with pytest.raises(MappingUnfitError) as caught:
        load.load()
    problems = caught.value.details["problems"]
    assert isinstance(problems, list)
    return problems


def test_all_that_does_not_fit_the_source_is_told_with_entity_and_field(
    own_database: DatabaseAddress, tmp_path: Path, place: Path
) -> None:
    edit = {'Field("name", "name", Text())': 'Field("nome", "name", Text())'}
    with drafted_load(own_database, tmp_path, 'path = "shop.db"', place, "things", edit=edit) as load:
        load.describe("things", rules=_RULES)
        told = refused(load)
    missing, codec = told
    assert missing.startswith(
        "entity things, source table things: field nome → name reads a column that is not there"
    )
    assert codec.startswith("entity things, source table things: field at → at: the codec big integer takes")
    assert "choose another codec" in codec


def test_all_that_does_not_fit_the_target_is_told(
    own_database: DatabaseAddress, tmp_path: Path, place: Path
) -> None:
    with drafted_load(own_database, tmp_path, 'path = "shop.db"', place, "things") as load:
        change_target(
            own_database,
            "ALTER TABLE legacy.things DROP COLUMN name, ADD COLUMN needed text NOT NULL,"
            " ALTER COLUMN price TYPE numeric(9,1), ALTER COLUMN note TYPE bytea USING NULL",
        )
        told = refused(load)
    assert [line.partition(": ")[2].partition(";")[0] for line in told] == [
        "there is no column name",
        "the column price keeps 1 digits after the point, but the mapping gives any number of digits",
        "the column note is bytea, but the mapping gives text",
        "needed may not be NULL and no field fills it",
    ]


def test_columns_that_no_field_takes_are_said_or_refused_without_extra(
    own_database: DatabaseAddress, tmp_path: Path, place: Path
) -> None:
    edit = {'            Field("note", "note", Text()),  # guessed from the declared type: SQLite keeps any value in any column\n': ""}  # fmt: skip
    with drafted_load(own_database, tmp_path, 'path = "shop.db"', place, "things", edit=edit) as load:
        said: list[str] = []
        assert load.load(said=said).exit_code == 0
        assert "things: no field takes note: kept word for word in legacy.things.extra" in said
        assert load.rows("things")[0]["extra"] == {"note": "n"}


def test_a_table_that_is_not_there_and_a_function_that_is_not_are_told(
    own_database: DatabaseAddress, tmp_path: Path, place: Path
) -> None:
    gone = {"Text()": 'Through("tests.fixtures.pure_functions:nowhere", "", "text", loss="all")', "    Text,\n": "    Through,\n"}  # fmt: skip
    with drafted_load(own_database, tmp_path, 'path = "shop.db"', place, "things", edit=gone) as load:
        change_target(own_database, "DROP TABLE legacy.things")
        told = refused(load)
    assert "nowhere" in told[0]
    assert "there is no such table" in told[-1]


def change_target(database: DatabaseAddress, statement: str) -> None:
    with psycopg.connect(database.libpq(Role.OWNER), autocommit=True) as connection:
        connection.execute(statement.encode())
