import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from caravan.migration.capture import (
    CaptureOptions,
    CaptureRefusedError,
    CaptureStoppedError,
    ChangesLostError,
    Position,
    look,
    open_changes,
    prepare_changes,
)
from tests.fixtures.capabilities import needs
from tests.fixtures.captured import followed, shown, told, with_changes
from tests.fixtures.mariadb_server import PrivateMariadb
from tests.fixtures.row_log import followed_log, run_in

pytestmark = needs("mariadbd")


@pytest.fixture
def database(row_logging_mariadb: PrivateMariadb) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:12]}"
    run_in(row_logging_mariadb, None, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield name
    run_in(row_logging_mariadb, None, f"DROP DATABASE {name}")


@pytest.fixture
def server(row_logging_mariadb: PrivateMariadb) -> PrivateMariadb:
    return row_logging_mariadb


def test_a_killed_connection_stops_the_capture_and_the_position_leads_on(
    server: PrivateMariadb, database: str
):
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY)")
    with followed_log(server, database, "plain") as (source, start):
        run_in(server, database, "INSERT INTO plain VALUES (1)")
        (first,) = with_changes(source, start)
        reached = followed(source, first.position)[-1:] or [first]
        ids = run_in(
            server, database, "SELECT id FROM information_schema.processlist WHERE command = 'Binlog Dump'"
        )
        run_in(server, database, *(f"KILL {row[0]}" for row in ids), "INSERT INTO plain VALUES (2)")

        with pytest.raises(CaptureStoppedError):
            list(source.transactions(reached[-1].position, wait=30))
        assert [key["id"] for _, key, _ in told(source, first.position)] == [2]
        # A number alone is enough as well, for what keeps nothing else.
        assert [key["id"] for _, key, _ in told(source, Position(first.position.number))] == [2]


def test_a_purged_log_is_told(server: PrivateMariadb, database: str):
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY)")
    with followed_log(server, database, "plain") as (source, start):
        run_in(server, database, "FLUSH BINARY LOGS")
        (newest,) = run_in(server, database, "SHOW MASTER STATUS")
        deadline = time.monotonic() + 30
        while (
            len(run_in(server, database, "SHOW BINARY LOGS")) > 1
        ):  # a reader that has just left may still hold one
            assert time.monotonic() < deadline
            run_in(server, database, f"PURGE BINARY LOGS TO '{newest[0]}'")

        with pytest.raises(ChangesLostError, match="no longer has its log") as lost:
            list(source.transactions(start, wait=0))
        assert "Synchronise again" in lost.value.fix


def test_another_log_with_the_same_names_is_not_taken_for_the_old_one(server: PrivateMariadb, database: str):
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY)")
    with followed_log(server, database, "plain") as (source, start):
        other = Position(start.number, start.resume.replace(" gtid 0-", " gtid 7-"))
        with pytest.raises(ChangesLostError, match="begun anew"):
            list(source.transactions(other, wait=0))


@pytest.mark.parametrize(
    "statement",
    ["ALTER TABLE plain ADD COLUMN w int", "ALTER TABLE plain RENAME COLUMN v TO w", "DROP TABLE plain",
     "RENAME TABLE plain TO elsewhere"],
)  # fmt: skip
def test_a_change_of_columns_stops_the_capture(server: PrivateMariadb, database: str, statement: str):
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY, v int)")
    with followed_log(server, database, "plain") as (source, start):
        run_in(server, database, "INSERT INTO plain VALUES (1, 1)", statement)

        changes = source.transactions(start, wait=30)
        assert [shown(change) for change in next(changes).changes] == [
            ("upsert", {"id": 1}, {"id": 1, "v": 1})
        ]
        with pytest.raises(CaptureStoppedError, match="changed plain while its changes are followed"):
            list(changes)


def test_a_table_put_in_the_place_of_ours_stops_the_capture_even_with_the_same_columns(
    server: PrivateMariadb, database: str
):
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY)", "INSERT INTO plain VALUES (1)")
    with followed_log(server, database, "plain") as (source, start):
        run_in(server, database, "CREATE TABLE new LIKE plain", "RENAME TABLE plain TO old, new TO plain")
        with pytest.raises(CaptureStoppedError, match="changed plain"):
            list(source.transactions(start, wait=30))


@pytest.mark.parametrize(
    ("before", "statements", "said"),
    [
        (
            "SELECT 1",
            ("XA START 'x'", "UPDATE plain SET v = 2", "XA END 'x'", "XA PREPARE 'x'"),
            "two phases",
        ),
        ("SET GLOBAL log_bin_compress = ON", ("UPDATE plain SET v = repeat('y', 900)",), "log_bin_compress"),
    ],
)
def test_changes_that_are_logged_in_forms_not_read_stop_the_capture(
    server: PrivateMariadb, database: str, before: str, statements: tuple[str, ...], said: str
):
    run_in(
        server,
        database,
        "CREATE TABLE plain (id int PRIMARY KEY, v text)",
        "INSERT INTO plain VALUES (1, '')",
    )
    with followed_log(server, database, "plain") as (source, start):
        try:
            run_in(server, database, before)
            run_in(server, database, *statements)
            with pytest.raises(CaptureStoppedError, match=said):
                list(source.transactions(start, wait=30))
        finally:
            run_in(server, database, "SET GLOBAL log_bin_compress = OFF")
            if said == "two phases":
                run_in(server, database, "XA ROLLBACK 'x'")


def test_rows_from_before_a_change_of_columns_are_not_read_with_the_new_ones(
    server: PrivateMariadb, database: str
):
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY, a int, b int)")
    with followed_log(server, database, "plain") as (source, start):
        run_in(server, database, "INSERT INTO plain VALUES (1, 1, 1)")
        (first,) = with_changes(source, start)
    run_in(
        server,
        database,
        "INSERT INTO plain VALUES (2, 10, 20)",
        "ALTER TABLE plain RENAME COLUMN a TO c, RENAME COLUMN b TO a",
    )

    with (
        closing(open_changes("mariadb", server.url(database), ["plain"])) as later,
        pytest.raises(CaptureStoppedError, match="were changed since the last position"),
    ):
        list(later.transactions(first.position, wait=0))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("binlog_format = 'STATEMENT'", "instead of its rows"),
        ("binlog_row_image = 'MINIMAL'", "without all columns"),
    ],
)
def test_a_session_that_logs_otherwise_stops_the_capture(
    server: PrivateMariadb, database: str, setting: str, said: str
):
    run_in(
        server, database, "CREATE TABLE plain (id int PRIMARY KEY, v int)", "INSERT INTO plain VALUES (1, 1)"
    )
    with followed_log(server, database, "plain") as (source, start):
        run_in(server, database, f"SET SESSION {setting}", "UPDATE plain SET v = 2 WHERE id = 1")
        with pytest.raises(CaptureStoppedError, match=said):
            list(source.transactions(start, wait=30))


def test_a_file_loaded_by_a_session_that_logs_statements_stops_the_capture(
    server: PrivateMariadb, database: str, tmp_path: Path
):
    file = tmp_path / "rows.txt"
    file.write_text("1\n2\n")
    run_in(
        server, database, "CREATE TABLE plain (id int PRIMARY KEY)", "CREATE TABLE aside (id int PRIMARY KEY)"
    )
    with followed_log(server, database, "plain") as (source, start):
        for table in ("aside", "plain"):
            run_in(
                server,
                database,
                "SET SESSION binlog_format = 'STATEMENT'",
                f"LOAD DATA INFILE '{file}' INTO TABLE {table}",
            )
        run_in(server, database, "INSERT INTO plain VALUES (3)")
        with pytest.raises(CaptureStoppedError, match="LOAD DATA as a statement"):
            list(source.transactions(start, wait=30))


def test_settings_that_hide_changes_are_refused_with_the_statement_that_helps(
    server: PrivateMariadb, database: str
):
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY)")
    run_in(server, database, "SET GLOBAL binlog_row_image = 'MINIMAL'")
    try:
        with pytest.raises(CaptureRefusedError, match="SET GLOBAL binlog_row_image = 'FULL'"):
            prepare_changes("mariadb", server.url(database), ["plain"])
        binlog, outbox, _ = look("mariadb", server.url(database), ["plain"])
        assert (binlog.usable, binlog.statements) == (False, ("SET GLOBAL binlog_row_image = 'FULL'",))
        assert outbox.usable
    finally:
        run_in(server, database, "SET GLOBAL binlog_row_image = 'FULL'")


def test_tables_without_a_key_and_rows_that_cascades_change_are_refused(
    server: PrivateMariadb, database: str
):
    run_in(
        server,
        database,
        "CREATE TABLE keyless (a int)",
        "CREATE TABLE parents (id int PRIMARY KEY)",
        "CREATE TABLE children (id int PRIMARY KEY, parent int, CONSTRAINT of FOREIGN KEY (parent) REFERENCES parents (id)"
        " ON DELETE CASCADE)",
    )
    url = server.url(database)
    with pytest.raises(CaptureRefusedError, match="keyless has no key"):
        prepare_changes("mariadb", url, ["keyless"])
    for mechanism in ("binlog", "outbox"):
        with pytest.raises(CaptureRefusedError, match="children by of"):
            prepare_changes(
                "mariadb", url, ["parents", "children"], options=CaptureOptions(mechanism=mechanism)
            )
    prepare_changes("mariadb", url, ["parents", "children"], options=CaptureOptions(cascades="accept"))
