"""Keys of every kind: text, uuid, several columns, none at all, repeated; chunks are ranges where both stores sort alike, else buckets."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pymysql
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.verify.pairs.comparing import compare, pair
from caravan.migration.verify.pairs.tables import Table
from caravan.migration.verify.pairs.walk import Tally, Tuning
from caravan.migration.verify.stores.mariadb import MariadbTable
from caravan.migration.verify.stores.postgres import PostgresTable
from caravan.migration.verify.stores.sqlite import SqliteTable
from tests.fixtures.capabilities import needs
from tests.fixtures.mariadb_server import PrivateMariadb

SMALL = Tuning(chunk=7, leaf=3)
DESCEND = Tuning(leaf=1, strategy="descend")


@pytest.fixture(scope="module")
def postgres(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database.libpq(None), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def maria(mariadb: PrivateMariadb) -> Iterator["pymysql.cursors.Cursor"]:
    connection = mariadb.connect()
    cursor = connection.cursor()
    cursor.execute("CREATE DATABASE IF NOT EXISTS keyed")
    cursor.execute("USE keyed")
    yield cursor
    connection.close()


def compared(
    left: Table, right: Table, tuning: Tuning = SMALL, **asked: tuple[str, ...]
) -> tuple[bool, Tally]:
    try:
        pairing = pair(left, right, **asked)
        return pairing.agreement.ranged, compare(pairing, None, tuning)
    finally:
        left.close()
        right.close()


def found(tally: Tally) -> list[tuple[tuple[str | None, ...], str]]:
    return [(one.key, one.kind) for one in tally.differences]


@needs("mariadbd")
@pytest.mark.parametrize(
    ("key", "mariadb_key", "value", "ranged"),
    [
        ("bigint", "bigint", lambda n: str(n * 10**15 - 10**17), True),
        ("text", "varchar(60)", lambda n: f"Käse {n % 7}\n{'aA'[n % 2]}{n}", False),
        ("uuid", "char(36)", lambda n: f"0190A000-0000-7000-8000-{n * 7919 % 997:012X}", False),
        ("uuid", "binary(16)", lambda n: f"0190a00000007000800{n:013x}", False),
        ("bytea", "varbinary(20)", lambda n: f"{n:04x}ff00", True),
        ("date", "date", lambda n: f"20{n:02}-02-28", True),
        ("numeric(12,2)", "decimal(12,2)", lambda n: f"{n - 20}.50", True),
    ],
)
def test_one_column_of_any_kind(
    postgres: psycopg.Connection,
    maria: "pymysql.cursors.Cursor",
    module_database: DatabaseAddress,
    mariadb: PrivateMariadb,
    key: str,
    mariadb_key: str,
    value: Callable[[int], str],
    ranged: bool,
) -> None:
    postgres.execute("DROP TABLE IF EXISTS held")
    postgres.execute(f"CREATE TABLE held (k {key} PRIMARY KEY, v text)".encode())
    maria.execute(f"CREATE OR REPLACE TABLE held (k {mariadb_key} PRIMARY KEY, v text) CHARACTER SET utf8mb4")
    for n in range(40):
        text = value(n)
        raw = bytes.fromhex(text) if "binary" in mariadb_key else None
        ours = raw if raw is not None and key == "bytea" else text
        postgres.execute(f"INSERT INTO held VALUES (CAST(%s AS {key}), %s)".encode(), (ours, f"v{n}"))  # noqa: S608 - a type
        maria.execute("INSERT INTO held VALUES (%s, %s)", (raw if raw is not None else text, f"v{n}"))

    def sides() -> tuple[Table, Table]:
        ours = PostgresTable(module_database.libpq(None), "held")
        return MariadbTable(mariadb.url("keyed"), "held"), ours

    was_ranged, same = compared(*sides())
    assert (was_ranged, same.counts, same.left_rows, same.right_rows) == (ranged, {}, 40, 40)
    postgres.execute("UPDATE held SET v = NULL WHERE v = 'v17'")
    postgres.execute("DELETE FROM held WHERE v = 'v3'")
    maria.execute("DELETE FROM held WHERE v = 'v39'")
    _, differing = compared(*sides())
    assert sorted((one.kind, one.fields[0].left if one.fields else "") for one in differing.differences) == [
        ("changed", "v17"), ("extra", ""), ("missing", ""),
    ]  # fmt: skip


def pairs_of(
    postgres: psycopg.Connection, module_database: DatabaseAddress, table: str
) -> tuple[Table, Table]:
    for name in ("first", "second"):
        postgres.execute(f"DROP TABLE IF EXISTS {name}; CREATE TABLE {name} {table}".encode())
    return PostgresTable(module_database.libpq(None), "first"), PostgresTable(
        module_database.libpq(None), "second"
    )


def reopened(module_database: DatabaseAddress) -> tuple[Table, Table]:
    return PostgresTable(module_database.libpq(None), "first"), PostgresTable(
        module_database.libpq(None), "second"
    )


def test_several_columns_with_negative_numbers(
    postgres: psycopg.Connection, module_database: DatabaseAddress
) -> None:
    for table in pairs_of(postgres, module_database, "(a int, b int, v text, PRIMARY KEY (a, b))"):
        table.close()
    for name in ("first", "second"):
        postgres.execute(
            (
                f"INSERT INTO {name} SELECT a, b, 'v'"  # noqa: S608 - ours
                " FROM generate_series(-6, 6) a, generate_series(-3, 3) b"
            ).encode()
        )
    postgres.execute("UPDATE second SET v = 'w' WHERE (a, b) IN ((-6, -3), (0, 0), (6, 3))")
    ranged, tally = compared(*reopened(module_database))
    assert ranged
    assert found(tally) == [(("-6", "-3"), "changed"), (("0", "0"), "changed"), (("6", "3"), "changed")]
    assert tally.left_rows == tally.right_rows == 91


def test_without_a_key_rows_are_counted(
    postgres: psycopg.Connection, module_database: DatabaseAddress
) -> None:
    for table in pairs_of(postgres, module_database, "(a int, v text, r float8)"):
        table.close()
    for name in ("first", "second"):
        postgres.execute(
            f"INSERT INTO {name} SELECT n % 5, NULL, n % 3 FROM generate_series(1, 60) n".encode()  # noqa: S608 - ours
        )
    ranged, same = compared(*reopened(module_database))
    assert (ranged, same.counts) == (False, {})
    postgres.execute("INSERT INTO second VALUES (1, NULL, 1)")
    postgres.execute("INSERT INTO first VALUES (9, 'x', 0.5)")
    _, tally = compared(*reopened(module_database))
    assert [(one.kind, one.left_rows, one.right_rows) for one in tally.differences] == [
        ("repeated", 4, 5), ("missing", 1, 0),
    ]  # fmt: skip


def test_equal_pairs_of_rows_are_not_nothing(
    postgres: psycopg.Connection, module_database: DatabaseAddress
) -> None:
    """An exclusive-or of hashes would lose them."""
    for table in pairs_of(postgres, module_database, "(a int, v text)"):
        table.close()
    postgres.execute("INSERT INTO first VALUES (1, 'x'), (2, 'y')")
    postgres.execute("INSERT INTO second VALUES (1, 'x'), (2, 'y'), (3, 'z'), (3, 'z')")
    _, tally = compared(*reopened(module_database))
    assert [(one.kind, one.right_rows) for one in tally.differences] == [("extra", 2)]


def test_a_declared_key_that_repeats_is_told(
    postgres: psycopg.Connection, module_database: DatabaseAddress
) -> None:
    for table in pairs_of(postgres, module_database, "(id int NOT NULL, v text)"):
        table.close()
    postgres.execute("INSERT INTO first SELECT n, 'v' FROM generate_series(1, 20) n")
    postgres.execute("INSERT INTO second SELECT n, 'v' FROM generate_series(1, 20) n")
    postgres.execute("INSERT INTO second VALUES (7, 'v'), (8, 'other')")
    ranged, tally = compared(*reopened(module_database), DESCEND, key=("id",))
    assert ranged
    assert [(one.key, one.kind, one.left_rows, one.right_rows) for one in tally.differences] == [
        (("7",), "repeated", 1, 2), (("8",), "repeated", 1, 2),
    ]  # fmt: skip


def test_a_key_of_mixed_types_in_sqlite(
    postgres: psycopg.Connection, module_database: DatabaseAddress, tmp_path: Path
) -> None:
    file = sqlite3.connect(tmp_path / "mixed.db")
    file.execute("CREATE TABLE held (id INT NOT NULL PRIMARY KEY, v TEXT)")
    file.executemany("INSERT INTO held VALUES (?, 'v')", [(n,) for n in range(-5, 15)] + [("text",)])
    file.commit()
    file.close()
    postgres.execute("DROP TABLE IF EXISTS held; CREATE TABLE held (id int PRIMARY KEY, v text)")
    postgres.execute("INSERT INTO held SELECT n, 'v' FROM generate_series(-5, 14) n")
    _, tally = compared(
        SqliteTable(tmp_path / "mixed.db", "held"), PostgresTable(module_database.libpq(None), "held")
    )
    assert found(tally) == [(("?74657874",), "missing")]


def test_empty_tables_are_the_same(postgres: psycopg.Connection, module_database: DatabaseAddress) -> None:
    tables = pairs_of(postgres, module_database, "(id int PRIMARY KEY, v text)")
    assert compared(*tables)[1].counts == {}
    postgres.execute("INSERT INTO second VALUES (0, 'x')")
    assert found(compared(*reopened(module_database))[1]) == [(("0",), "extra")]
