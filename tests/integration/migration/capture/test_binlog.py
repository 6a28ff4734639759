# ruff: noqa: S608 - statements of a test, on names of its own making
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest

from caravan.migration.capture import (
    CaptureOptions,
    open_changes,
    position_of_snapshot,
    remove_changes,
    tag_statements,
)
from caravan.migration.load.readers import BrokenRecord, decode
from caravan.migration.load.readers.mariadb import MariadbReader
from tests.fixtures.capabilities import needs
from tests.fixtures.captured import followed, row_of, shown, told, with_changes
from tests.fixtures.mariadb_server import PrivateMariadb
from tests.fixtures.row_log import followed_log, run_in

pytestmark = needs("mariadbd")

_KINDS = """CREATE TABLE kinds (
    id bigint unsigned NOT NULL PRIMARY KEY, tiny tinyint(1), small smallint unsigned, med mediumint, whole int, big bigint unsigned,
    amount decimal(38,10), little decimal(5,5), wide double, narrow float, bits bit(17), day date, moment datetime(6),
    plain_moment datetime, milli datetime(3), stamp timestamp(6) NULL, length time(6), short_length time(2), made year,
    words text CHARACTER SET utf8mb4, old varchar(80) CHARACTER SET latin1, long_old varchar(300) CHARACTER SET latin1, ch char(7),
    wide_ch char(200) CHARACTER SET utf8mb4, raw varbinary(80), fixed binary(5), pick enum('a','it''s','c,d'), many set('x','y','z'),
    tree json, huge longblob, place point, thing uuid, address inet6, four inet4,
    total bigint GENERATED ALWAYS AS (small + 1) VIRTUAL, stored bigint GENERATED ALWAYS AS (small + 2) STORED
) CHARACTER SET utf8mb4"""
_WRITTEN = (
    "id, tiny, small, med, whole, big, amount, little, wide, narrow, bits, day, moment, plain_moment, milli, stamp, length,"
    " short_length, made, words, old, long_old, ch, wide_ch, raw, fixed, pick, many, tree, huge, place, thing, address, four"
)
_ROWS = (
    """18446744073709551615, -1, 65535, -8388608, -2147483648, 18446744073709551615, -1234567890123456789012345678.1234567891, -0.00001, 1.1,
    3.4e38, b'10000000000000001', '2024-02-29', '2024-02-29 01:02:03.000004', '9999-12-31 23:59:59', '1000-01-01 00:00:00.120',
    '2037-06-01 00:00:00.500000', '-838:59:58.999999', '-00:00:00.01', 1901, '日本 ''q''', 'é€', repeat('ü', 300), 'ab  ',
    repeat('日', 200), x'00ff20', x'0102', 'c,d', 'x,z', '{"a": 1.10}', repeat(x'ff00', 40000), point(1, 2),
    '123e4567-e89b-12d3-a456-426614174000', '2001:db8::5', '1.2.0.0'""",
    """0, 0, 0, 8388607, 2147483647, 0, 0, 0, -0.0, 0, b'0', '1000-01-01', '1000-01-01', '1970-01-01 00:00:01', '2024-01-01', NULL, '00:00:00',
    '12:00:00.99', 0, '', '', '', '', '', '', '', 'a', '', '[]', '', NULL, '0190b6a0-1234-7abc-8def-0123456789ab', '::', '0.0.0.0'""",
    "1" + ", NULL" * 33,
)


@pytest.fixture
def database(row_logging_mariadb: PrivateMariadb) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:12]}"
    run_in(row_logging_mariadb, None, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield name
    run_in(row_logging_mariadb, None, f"DROP DATABASE {name}")


@pytest.fixture
def server(row_logging_mariadb: PrivateMariadb) -> PrivateMariadb:
    return row_logging_mariadb


def test_records_are_byte_for_byte_what_the_reader_gives(server: PrivateMariadb, database: str):
    run_in(server, database, _KINDS)
    with followed_log(server, database, "kinds") as (source, start):
        run_in(server, database, *(f"INSERT INTO kinds ({_WRITTEN}) VALUES ({row})" for row in _ROWS))
        captured = {
            change.key["id"]: change.record for each in followed(source, start) for change in each.changes
        }
    with closing(MariadbReader(server.url(database))) as reader:
        read = {decode("row", record.raw)["id"]: record.raw for record in reader.read("kinds")}

    assert captured.keys() == read.keys() == {18446744073709551615, 0, 1}
    for key, raw in read.items():
        record = captured[key]
        assert record is not None
        assert decode("row", record.raw) == decode("row", raw)
        assert record.raw == raw


def test_network_addresses_are_written_as_the_server_writes_them(server: PrivateMariadb, database: str):
    run_in(server, database, "CREATE TABLE hosts (id int AUTO_INCREMENT PRIMARY KEY, address inet6)")
    addresses = [
        "::1",
        "::1.2.3.4",
        "::ffff:1.2.3.4",
        "1::",
        "1:0:2:0:3:0:4:0",
        "::1:0:0",
        "1:2:3:4:5:6:7:8",
        "::ffff:0:0",
    ]
    with followed_log(server, database, "hosts") as (source, start):
        run_in(
            server, database, *(f"INSERT INTO hosts (address) VALUES ('{address}')" for address in addresses)
        )
        captured = [row["address"] for _, _, row in told(source, start) if row]
    assert captured == [row[0] for row in run_in(server, database, "SELECT address FROM hosts ORDER BY id")]


def test_odd_values_are_broken_records_with_the_readers_reasons(server: PrivateMariadb, database: str):
    run_in(
        server,
        database,
        "CREATE TABLE odd (id int PRIMARY KEY, d date, m datetime(3), s timestamp NULL, e enum('x'))",
    )
    with followed_log(server, database, "odd") as (source, start):
        run_in(
            server,
            database,
            "INSERT INTO odd VALUES (1, '0000-00-00', NULL, NULL, 'x'), (2, NULL, '2024-00-10 00:00:00', NULL, 'x'),"
            " (3, NULL, NULL, '0000-00-00', 'x'), (4, NULL, NULL, NULL, 'none of it')",
        )
        captured = [change.record for each in followed(source, start) for change in each.changes]
    with closing(MariadbReader(server.url(database))) as reader:
        read = list(reader.read("odd"))

    assert all(isinstance(record, BrokenRecord) for record in captured)
    assert captured == read


def test_insert_update_delete_and_a_new_key_are_told_in_order(server: PrivateMariadb, database: str):
    run_in(
        server, database, "CREATE TABLE plain (id int PRIMARY KEY, v int)", "CREATE TABLE unfollowed (id int)"
    )
    with followed_log(server, database, "plain") as (source, start):
        run_in(
            server,
            database,
            "INSERT INTO plain VALUES (1, 10), (2, 20)",
            "UPDATE plain SET v = 11 WHERE id = 1",
            "INSERT INTO unfollowed VALUES (1)",
            "UPDATE plain SET id = 3 WHERE id = 1",
            "DELETE FROM plain WHERE id = 2",
        )
        found = with_changes(source, start)

        assert [[shown(change) for change in each.changes] for each in found] == [
            [("upsert", {"id": 1}, {"id": 1, "v": 10}), ("upsert", {"id": 2}, {"id": 2, "v": 20})],
            [("upsert", {"id": 1}, {"id": 1, "v": 11})],
            [("delete", {"id": 1}, None), ("upsert", {"id": 3}, {"id": 3, "v": 11})],
            [("delete", {"id": 2}, None)],
        ]
        assert [change.step for change in found[2].changes] == [0, 1]
        assert source.retained() is None


def test_a_change_names_the_columns_it_is_asked_to(server: PrivateMariadb, database: str):
    run_in(server, database, "CREATE TABLE items (id int PRIMARY KEY, parent int)")
    with followed_log(server, database, "items", keys={"items": ("parent", "id")}) as (source, start):
        run_in(
            server,
            database,
            "INSERT INTO items VALUES (1, 7)",
            "UPDATE items SET parent = 8",
            "DELETE FROM items",
        )
        assert [(kind, key) for kind, key, _ in told(source, start)] == [
            ("upsert", {"parent": 7, "id": 1}),
            ("delete", {"parent": 7, "id": 1}),
            ("upsert", {"parent": 8, "id": 1}),
            ("delete", {"parent": 8, "id": 1}),
        ]


def test_rolled_back_rows_are_not_told_and_transactions_come_whole_in_the_order_of_commits(
    server: PrivateMariadb, database: str
):
    run_in(
        server, database, "CREATE TABLE plain (id int PRIMARY KEY)", "CREATE TABLE aside (id int PRIMARY KEY)"
    )
    with (
        followed_log(server, database, "plain", "aside") as (source, start),
        closing(server.connect(database)) as early,
        closing(server.connect(database)) as late,
        closing(server.connect(database)) as undone,
    ):
        for connection in (early, late, undone):
            connection.begin()
        early.cursor().execute("INSERT INTO plain VALUES (1)")
        undone.cursor().execute("INSERT INTO plain VALUES (2)")
        late.cursor().execute("INSERT INTO plain VALUES (3)")
        early.cursor().execute("INSERT INTO aside VALUES (4)")
        undone.rollback()
        late.commit()
        early.commit()
        found = with_changes(source, start)

    assert [[(change.collection, change.key["id"]) for change in each.changes] for each in found] == [
        [("plain", 3)],
        [("plain", 1), ("aside", 4)],
    ]


def test_a_marker_row_first_in_a_transaction_is_its_tag(server: PrivateMariadb, database: str):
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY)")
    first, last = tag_statements("mariadb", "rps/reverse's")
    with followed_log(server, database, "plain") as (source, start):
        for number in (1, 2):
            run_in(server, database, "BEGIN", *first, f"INSERT INTO plain VALUES ({number})", *last, "COMMIT")
        run_in(server, database, "INSERT INTO plain VALUES (3)")

        assert [each.tag for each in with_changes(source, start)] == ["rps/reverse's", "rps/reverse's", ""]
    remove_changes("mariadb", server.url(database), ["plain"])


def test_a_large_transaction_and_a_new_file_of_the_log_are_read_across(server: PrivateMariadb, database: str):
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY, v varchar(100))")
    with followed_log(server, database, "plain") as (source, start):
        run_in(
            server,
            database,
            "INSERT INTO plain SELECT seq, repeat('x', 100) FROM seq_1_to_5000",
            "FLUSH BINARY LOGS",
            "DELETE FROM plain WHERE id = 7",
        )
        large, small = with_changes(source, start)

        assert (len(large.changes), len(small.changes)) == (5_000, 1)
        assert small.position.number >> 32 == (large.position.number >> 32) + 1
        assert with_changes(source, large.position) == [small]


def test_truncate_is_told_and_that_of_another_database_is_not(server: PrivateMariadb, database: str):
    other = f"{database}_other"
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY)", f"CREATE DATABASE {other}")
    run_in(server, other, "CREATE TABLE plain (id int PRIMARY KEY)")
    try:
        with followed_log(server, database, "plain") as (source, start):
            run_in(
                server,
                database,
                "INSERT INTO plain VALUES (1)",
                f"TRUNCATE {other}.plain",
                "TRUNCATE TABLE `plain`",
            )
            run_in(
                server, other, "TRUNCATE plain", "INSERT INTO plain VALUES (9)", f"TRUNCATE {database}.plain"
            )
            assert [kind for kind, _, _ in told(source, start)] == ["upsert", "truncate", "truncate"]
    finally:
        run_in(server, None, f"DROP DATABASE {other}")


def test_tables_that_know_no_transactions_are_followed_too(server: PrivateMariadb, database: str):
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY) ENGINE = MyISAM")
    with followed_log(server, database, "plain") as (source, start):
        run_in(
            server,
            database,
            "BEGIN",
            "INSERT INTO plain VALUES (1), (2)",
            "ROLLBACK",
            "DELETE FROM plain WHERE id = 1",
        )
        assert [(kind, key["id"]) for kind, key, _ in told(source, start)] == [
            ("upsert", 1),
            ("upsert", 2),
            ("delete", 1),
        ]


def test_the_position_of_a_readers_snapshot_leads_on_from_exactly_there(
    server: PrivateMariadb, database: str
):
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY)", "INSERT INTO plain VALUES (1)")
    with closing(MariadbReader(server.url(database))) as reader:
        position = position_of_snapshot("mariadb", reader.snapshot())
        assert position_of_snapshot("mariadb", reader.snapshot(), CaptureOptions(mechanism="outbox")) is None
        run_in(server, database, "INSERT INTO plain VALUES (2)")
        assert len(list(reader.read("plain"))) == 1

    assert position is not None
    with closing(open_changes("mariadb", server.url(database), ["plain"])) as source:
        changes = [change for each in followed(source, position) for change in each.changes]
    assert [row_of(change) for change in changes] == [{"id": 2}]


def test_an_index_more_changes_nothing(server: PrivateMariadb, database: str):
    run_in(server, database, "CREATE TABLE plain (id int PRIMARY KEY, v int)")
    with followed_log(server, database, "plain") as (source, start):
        run_in(server, database, "ALTER TABLE plain ADD INDEX (v)", "INSERT INTO plain VALUES (1, 1)")
        assert [key["id"] for _, key, _ in told(source, start)] == [1]


def test_a_table_more_is_followed_from_a_position_that_did_not_know_it(server: PrivateMariadb, database: str):
    run_in(
        server, database, "CREATE TABLE plain (id int PRIMARY KEY)", "CREATE TABLE later (id int PRIMARY KEY)"
    )
    with followed_log(server, database, "plain") as (source, start):
        run_in(server, database, "INSERT INTO plain VALUES (1)")
        (first,) = with_changes(source, start)
    run_in(server, database, "INSERT INTO later VALUES (2)")

    with closing(open_changes("mariadb", server.url(database), ["plain", "later"])) as both:
        assert [key["id"] for _, key, _ in told(both, first.position)] == [2]
