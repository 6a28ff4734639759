"""Figures declared as a query for each side; what a query answers is compared as values, not as types."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.config import ConfigError, MigrationConfig, read_config
from caravan.migration.config.invariants import InvariantPair
from caravan.migration.verify.invariants import held_pair
from caravan.migration.verify.report import InvariantResult
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


SUMMED = """
[migration]
name = "sums"
org = "toy"
[sources.old]
{place}
[[invariants]]
name = "money by state"
legacy_sum = {{ table = "orders", column = "total", by = ["state"], where = "state NOT LIKE 'x%'" }}
new_sum = {{ table = "public.invariant_orders", column = "total", by = ["state"], where = "state NOT LIKE 'x%'" }}
tolerance = {tolerance}
[[invariants]]
name = "members and others balance"
side = "{side}"
left_sum = {{ table = "{table}", column = "total", where = "member = 1" }}
right_sum = {{ table = "{table}", column = "total", where = "member = 0" }}
"""


def summed(folder: Path, place: str, *, tolerance: float = 0, side: str = "new") -> MigrationConfig:
    file = folder / "migration.toml"
    table = "orders" if side == "legacy" else "public.invariant_orders"
    file.write_text(SUMMED.format(place=place, tolerance=tolerance, side=side, table=table))
    return read_config(file)


@pytest.fixture(scope="module")
def ours(module_database: DatabaseAddress) -> psycopg.Connection:
    """Rows of this organisation, and one of another."""
    with psycopg.connect(module_database.libpq(Role.OWNER), autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE public.invariant_orders (org_id uuid, state text, total numeric(18,4), member int)"
        )
        connection.execute(f"GRANT SELECT ON public.invariant_orders TO {Role.SYSTEM}".encode())
        connection.execute(
            "INSERT INTO public.invariant_orders SELECT %s, state, total, member FROM"
            " (VALUES ('paid', 10.5, 1), ('paid', 2.25, 0), ('open', 7, 1), ('xx', 99, 1)) AS o (state, total, member)"
            " UNION ALL SELECT gen_random_uuid(), 'paid', 500, 1",
            (ORG,),
        )
    return connection


def verdicts(found: MigrationConfig, database: DatabaseAddress) -> dict[str, InvariantResult]:
    return {pair.name: held_pair(found, database, ORG, pair) for pair in found.invariants}


@pytest.mark.usefixtures("ours")
def test_declared_sums_are_the_same_by_group_and_a_cent_is_within_a_tolerance_or_not(
    module_database: DatabaseAddress, old_file: Path
) -> None:
    place = f'kind = "sqlite"\npath = "{old_file.name}"'
    money = "money by state"
    assert verdicts(summed(old_file.parent, place), module_database)[money].verdict == "same"
    with closing(sqlite3.connect(old_file)) as file:
        file.execute("UPDATE orders SET total = 2.26 WHERE total = 2.25")
        file.commit()
    different = verdicts(summed(old_file.parent, place), module_database)[money]
    assert (different.verdict, different.only_left, different.only_right) == (
        "different", [("paid", "2", "12.76")], [("paid", "2", "12.75")],
    )  # fmt: skip
    assert verdicts(summed(old_file.parent, place, tolerance=0.01), module_database)[money].verdict == "same"
    assert (
        verdicts(summed(old_file.parent, place, tolerance=0.009), module_database)[money].verdict
        == "different"
    )


@pytest.mark.usefixtures("ours")
def test_two_sums_of_one_side_balance_or_do_not(module_database: DatabaseAddress, old_file: Path) -> None:
    place = f'kind = "sqlite"\npath = "{old_file.name}"'
    balance = "members and others balance"
    new = verdicts(summed(old_file.parent, place), module_database)[balance]
    assert (new.verdict, new.only_left, new.only_right) == ("different", [("3", "116.5")], [("1", "2.25")])
    old = summed(old_file.parent, place, side="legacy")
    assert verdicts(old, module_database)[balance].only_left == [("2", "17.5")]
    with closing(sqlite3.connect(old_file)) as file:
        file.executescript("DELETE FROM orders; INSERT INTO orders VALUES ('a', 5, 1), ('b', 5.0, 0);")
    assert verdicts(old, module_database)[balance].verdict == "same"


@needs("mariadbd")
@pytest.mark.usefixtures("ours")
def test_mariadb_sums_by_its_own_quotes(
    module_database: DatabaseAddress, mariadb: PrivateMariadb, tmp_path: Path
) -> None:
    connection = mariadb.connect()
    cursor = connection.cursor()
    for statement in (
        "CREATE OR REPLACE DATABASE declared", "USE declared",
        "CREATE TABLE orders (state varchar(9), total decimal(18,4), member tinyint(1))",
        f"INSERT INTO orders VALUES {_ROWS}, ('xx', 1, 1)",  # noqa: S608 - as above
    ):  # fmt: skip
        cursor.execute(statement)
    connection.close()
    found = summed(tmp_path, f'url = "{mariadb.url("declared")}"')
    assert verdicts(found, module_database)["money by state"].verdict == "same"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('legacy = "SELECT 1"', "needs one pair"),
        ('legacy = "SELECT 1"\nnew_sum = { table = "a" }', "needs one pair"),
        ('left_sum = { table = "a" }\nright_sum = { table = "b" }', "needs side"),
        (
            'legacy_sum = { table = "a", by = ["x"] }\nnew_sum = { table = "b" }',
            "different number of columns",
        ),
        ('legacy_sum = { tabel = "a" }\nnew_sum = { table = "b" }', "did you mean table"),
    ],
)
def test_half_a_pair_is_refused_with_its_line(tmp_path: Path, lines: str, said: str) -> None:
    file = tmp_path / "migration.toml"
    file.write_text(f'[migration]\nname = "a"\norg = "b"\n[[invariants]]\nname = "i"\n{lines}\n')
    with pytest.raises(ConfigError) as refused:
        read_config(file)
    assert said in refused.value.message
    assert f"{file}:{6 if 'tabel' in lines else 4}:" in refused.value.message


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
