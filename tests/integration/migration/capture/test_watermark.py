import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.capture import CaptureOptions, CaptureRefusedError, open_changes, prepare_changes
from tests.fixtures.capabilities import needs
from tests.fixtures.captured import told
from tests.fixtures.mariadb_server import PrivateMariadb

_OPTIONS = CaptureOptions(mechanism="watermark", watermarks={"notes": "changed"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, v TEXT, changed TEXT)")
        connection.execute("INSERT INTO notes VALUES (1, 'before', '2026-01-01 00:00:00')")
        connection.commit()
    return path


def _write(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_what_has_grown_is_told_once_and_deletes_are_said_not_to_be_seen(file: Path):
    start = prepare_changes("sqlite", file, ["notes"], options=_OPTIONS)
    with closing(open_changes("sqlite", file, ["notes"], options=_OPTIONS)) as source:
        assert not source.sees_deletes
        first = [transaction for transaction in source.transactions(start, wait=0) if transaction.changes]
        _write(
            file,
            "INSERT INTO notes VALUES (2, 'new', '2026-01-02 00:00:00')",
            "UPDATE notes SET v = 'changed', changed = '2026-01-03 00:00:00' WHERE id = 1",
        )
        found = told(source, first[-1].position)
        _write(file, "DELETE FROM notes WHERE id = 2")
        after = source.head()
        assert told(source, after) == []

    # The row at the mark itself comes again: another may have been written in the same second.
    assert [change.key for each in first for change in each.changes] == [{"id": 1}]
    assert [(kind, key["id"], row and row["v"]) for kind, key, row in found] == [
        ("upsert", 2, "new"),
        ("upsert", 1, "changed"),
    ]


def test_a_table_without_a_watermark_is_refused(file: Path):
    with pytest.raises(CaptureRefusedError, match="name a column that grows with every write"):
        prepare_changes("sqlite", file, ["notes"], options=CaptureOptions(mechanism="watermark"))
    with pytest.raises(CaptureRefusedError, match="no watermark nothing"):
        prepare_changes(
            "sqlite",
            file,
            ["notes"],
            options=CaptureOptions(mechanism="watermark", watermarks={"notes": "nothing"}),
        )


@pytest.fixture
def postgres(postgres_server: DatabaseAddress) -> Iterator[str]:
    name = f"caravan_watermark_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server.libpq(None), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield postgres_server.named(name).libpq(None)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.parametrize("declared", ["timestamptz DEFAULT now()", "bigint GENERATED ALWAYS AS IDENTITY"])
def test_a_row_that_is_committed_late_is_found_within_the_overlap(postgres: str, declared: str):
    with (
        psycopg.connect(postgres, autocommit=True) as early,
        psycopg.connect(postgres, autocommit=True) as late,
    ):
        early.execute(f"CREATE TABLE notes (id int PRIMARY KEY, changed {declared})".encode())
        start = prepare_changes("postgresql", postgres, ["notes"], options=_OPTIONS)
        with closing(open_changes("postgresql", postgres, ["notes"], options=_OPTIONS)) as source:
            late.execute("BEGIN")
            late.execute("INSERT INTO notes (id) VALUES (1)")
            early.execute("INSERT INTO notes (id) VALUES (2)")
            (first,) = [each for each in source.transactions(start, wait=0) if each.changes]
            late.execute("COMMIT")
            assert [key for _, key, _ in told(source, first.position)] == [{"id": 1}]
    assert [change.key for change in first.changes] == [{"id": 2}]


@needs("mariadbd")
def test_a_watermark_of_mariadb(row_logging_mariadb: PrivateMariadb):
    with closing(row_logging_mariadb.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE watermark")
        cursor.execute(
            "CREATE TABLE watermark.notes (id int PRIMARY KEY, changed timestamp(6) DEFAULT current_timestamp(6))"
        )
        try:
            url = row_logging_mariadb.url("watermark")
            start = prepare_changes("mariadb", url, ["notes"], options=_OPTIONS)
            with closing(open_changes("mariadb", url, ["notes"], options=_OPTIONS)) as source:
                cursor.execute("INSERT INTO watermark.notes (id) VALUES (1)")
                (first,) = [each for each in source.transactions(start, wait=0) if each.changes]
                cursor.execute("INSERT INTO watermark.notes (id) VALUES (2)")
                assert [key["id"] for _, key, _ in told(source, first.position)] == [2]
        finally:
            cursor.execute("DROP DATABASE watermark")
