"""Figures declared as a query for each side; what a query answers is compared as values, not as types."""

import sqlite3
from pathlib import Path

import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.config.invariants import InvariantPair
from caravan.migration.verify.invariants import held_pair
from tests.fixtures.capabilities import needs
from tests.fixtures.mariadb_server import PrivateMariadb
from tests.fixtures.toy.shop import ORG

_ROWS = "('paid', 10.50, 1), ('paid', 2.25, 0), ('open', 7, 1)"
_FILE = """
[migration]
name = "sums"
org = "toy"
[sources.old]
{place}
[[invariants]]
name = "money by state"
legacy = "SELECT state, sum(total), sum(member) FROM orders GROUP BY state ORDER BY 1"
new = '''
SELECT state, sum(total), sum(member::int) FROM
    (VALUES ('open', 7.0000, true), ('paid', 10.5000, true), ('paid', 2.2500, false)) AS o (state, total, member)
GROUP BY state
'''
"""


def config(folder: Path, place: str) -> MigrationConfig:
    file = folder / "migration.toml"
    file.write_text(_FILE.format(place=place))
    return read_config(file)


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    file = sqlite3.connect(tmp_path / "old.db")
    file.execute("CREATE TABLE orders (state TEXT, total NUMERIC, member INTEGER)")
    file.execute(f"INSERT INTO orders VALUES {_ROWS}")  # noqa: S608 - as above
    file.commit()
    file.close()
    return tmp_path / "old.db"


def test_equal_answers_are_the_same_and_a_cent_is_not(
    module_database: DatabaseAddress, old_file: Path
) -> None:
    found = config(old_file.parent, f'kind = "sqlite"\npath = "{old_file.name}"')
    (pair,) = found.invariants
    assert held_pair(found, module_database, ORG, pair).verdict == "same"
    file = sqlite3.connect(old_file)
    file.execute("UPDATE orders SET total = 2.26 WHERE total = 2.25")
    file.commit()
    file.close()
    result = held_pair(found, module_database, ORG, pair)
    assert (result.verdict, result.only_left, result.only_right) == (
        "different", [("paid", "12.76", "1")], [("paid", "12.75", "1")],
    )  # fmt: skip


@needs("mariadbd")
def test_mariadb_answers_as_values(
    module_database: DatabaseAddress, mariadb: PrivateMariadb, tmp_path: Path
) -> None:
    connection = mariadb.connect()
    cursor = connection.cursor()
    for statement in (
        "CREATE OR REPLACE DATABASE sums", "USE sums",
        "CREATE TABLE orders (state varchar(9), total decimal(18,4), member tinyint(1))",
        f"INSERT INTO orders VALUES {_ROWS}",  # noqa: S608 - as above
    ):  # fmt: skip
        cursor.execute(statement)
    connection.close()
    found = config(tmp_path, f'url = "{mariadb.url("sums")}"')
    assert held_pair(found, module_database, ORG, found.invariants[0]).verdict == "same"


def test_postgresql_answers_and_is_not_written_to(module_database: DatabaseAddress, tmp_path: Path) -> None:
    found = config(tmp_path, f'url = "{module_database.libpq(Role.SYSTEM)}"')
    same = InvariantPair(name="one", legacy="SELECT 1.0, NULL, 'x'", new="SELECT 1, NULL::text, 'x'")
    assert held_pair(found, module_database, ORG, same).verdict == "same"
    writing = InvariantPair(name="two", legacy="SELECT 1", new="CREATE TABLE written (id int)")
    result = held_pair(found, module_database, ORG, writing)
    assert result.verdict == "not judged"
    assert "read-only" in result.problem
    with psycopg.connect(module_database.libpq(None)) as connection:
        assert connection.execute("SELECT to_regclass('written')").fetchone() == (None,)


def test_a_query_that_fails_and_a_source_without_tables_are_not_judged(
    module_database: DatabaseAddress, old_file: Path
) -> None:
    found = config(old_file.parent, f'kind = "sqlite"\npath = "{old_file.name}"')
    wrong = InvariantPair(name="wrong", legacy="SELECT missing FROM orders", new="SELECT 1")
    assert "no such column" in held_pair(found, module_database, ORG, wrong).problem
    found = config(old_file.parent, 'kind = "mongodb"\nurl = "mongodb://localhost/shop"')
    assert "answer SQL" in held_pair(found, module_database, ORG, found.invariants[0]).problem
