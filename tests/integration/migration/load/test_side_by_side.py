# ruff: noqa: S608 - statements of a test, on names of its own making
"""Several connections read a live table in one snapshot, and what they give is what one would."""

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing import active_children
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.load import side_by_side
from caravan.migration.load.readers import BrokenRecord, Record, SourceDamaged, TableReader, open_source
from caravan.migration.load.side_by_side import SideBySide, read_side_by_side
from tests.fixtures.capabilities import needs
from tests.fixtures.databases import fresh_copy
from tests.fixtures.mariadb_server import PrivateMariadb
from tests.fixtures.source_loads import drafted_load

ROWS = 1000
"""Of 3 kB: more than the pipes hold, so that a process which dies has not said everything."""

Source: TypeAlias = tuple[str, Callable[[str], object]]
"""The address, and what runs a statement there."""


@pytest.fixture(autouse=True)
def _small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "_ROWS_PER_RANGE", 60)
    monkeypatch.setattr(side_by_side, "_FEWEST", 100)


@pytest.fixture(params=[pytest.param("mariadb", marks=needs("mariadbd")), "postgresql"])
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    if request.param == "mariadb":
        yield from _mariadb(request.getfixturevalue("mariadb"))
    else:
        yield from _postgresql(request.getfixturevalue("postgres_server"))


def _mariadb(server: PrivateMariadb) -> Iterator[Source]:
    name = f"t{uuid.uuid4().hex[:12]}"
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        cursor.execute(f"CREATE DATABASE {name}")
        cursor.execute(f"USE {name}")
        cursor.execute("CREATE TABLE things (a int, b varchar(9), day date, pad text, PRIMARY KEY (a, b))")
        cursor.execute(
            f"INSERT INTO things SELECT CAST(seq AS SIGNED) % 37 - 9, concat('k', seq), if(seq % 400, '2024-02-29', '0000-00-00'), repeat('x', 3000) FROM seq_1_to_{ROWS}"
        )
        yield server.url(name), cursor.execute
        cursor.execute(f"DROP DATABASE {name}")


def _postgresql(server: DatabaseAddress) -> Iterator[Source]:
    with (
        fresh_copy(server, "template0") as address,
        psycopg.connect(address.libpq(None), autocommit=True) as connection,
    ):
        connection.execute("CREATE TABLE things (a int, b text, day date, pad text, PRIMARY KEY (a, b))")
        connection.execute(
            "INSERT INTO things SELECT n % 37 - 9, 'k' || n, CASE WHEN n % 400 = 0 THEN 'infinity' ELSE '2024-02-29' END::date, repeat('x', 3000)"
            f" FROM generate_series(1, {ROWS}) AS n".encode()
        )
        connection.execute("ANALYZE things")
        yield address.libpq(None), lambda statement: connection.execute(statement.encode())


def opened(url: str) -> SideBySide:
    reader = open_source(url)
    assert isinstance(reader, TableReader)
    beside = read_side_by_side(reader, url, "auto", 3)
    assert isinstance(beside, SideBySide)
    return beside


def test_they_give_what_one_gives_and_see_what_one_saw(source: Source) -> None:
    url, run = source
    with closing(open_source(url)) as alone:  # type: ignore[type-var]
        expected = list(alone.read("things"))
    with opened(url) as reader:
        run("DELETE FROM things WHERE a > 5")
        run("INSERT INTO things VALUES (0, 'late', NULL, '')")
        found = list(reader.read("things"))
        assert reader.position() == (ROWS, ROWS)
    assert found == expected
    assert {type(record) for record in found} == {Record, BrokenRecord}


def test_a_read_that_is_left_half_way_is_read_again_through_one(source: Source) -> None:
    with opened(source[0]) as reader:
        half = reader.read("things")
        first = [next(half) for _ in range(10)]
        half.close()  # type: ignore[attr-defined]
        assert list(reader.read("things"))[:10] == first
    assert not [child for child in active_children() if child.name == "caravan reading"]


def test_a_reading_process_that_dies_is_told_as_damage_after_the_last_good_row(source: Source) -> None:
    with opened(source[0]) as reader:
        found: list[Any] = []
        records = reader.read("things")
        found.append(next(records))
        for child in active_children():
            if child.name == "caravan reading" and child.pid is not None:
                os.kill(child.pid, signal.SIGKILL)
                child.join(30)
        with pytest.raises(SourceDamaged, match="a reading process ended"):
            found.extend(records)
        assert [record.ordinal for record in found] == list(range(len(found)))


def test_a_load_reads_side_by_side_and_again_changes_nothing(
    source: Source, own_database: DatabaseAddress, tmp_path: Path
) -> None:
    url, _ = source
    waived = "".join(
        f'[[waivers]]\nclass = "{name}"\nowner = "o"\nreason = "r"\n'
        for name in ("date.zero", "date.infinite")
    )
    with drafted_load(own_database, tmp_path, f"url = '{url}'", url, "things") as load:
        load.describe("things", more=waived)
        first = load.load(readers=2)
        assert (first.exit_code, first.data_sets["things"].loaded) == (0, ROWS - 2)
        again = load.load(readers=0)
        assert (again.data_sets["things"].loaded, again.checksums) == (0, first.checksums)


def test_where_nothing_proves_one_snapshot_one_connection_reads(tmp_path: Path) -> None:
    import sqlite3  # noqa: PLC0415 - of this test alone

    with closing(sqlite3.connect(tmp_path / "s.db")) as file:
        file.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        file.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(200)])
        file.commit()
    reader = open_source(tmp_path / "s.db")
    assert isinstance(reader, TableReader)
    assert read_side_by_side(reader, "x", "sqlite", 3) is reader
    reader.close()
