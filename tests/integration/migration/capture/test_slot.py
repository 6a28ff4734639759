# ruff: noqa: S608 - statements of a test, on names of its own making
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.capture import (
    CaptureOptions,
    CaptureRefusedError,
    CaptureStoppedError,
    ChangesLostError,
    ChangeSource,
    Position,
    capture_statements,
    look,
    open_changes,
    prepare_changes,
    remove_changes,
    tag_statements,
)
from caravan.migration.load.readers import BrokenRecord, Record, decode
from caravan.migration.load.readers.postgres import PostgresReader
from tests.fixtures.captured import followed, row_of, shown, told, with_changes

_TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'it''s ok'); CREATE DOMAIN cents AS numeric(30,6);
CREATE TABLE kinds (
    id bigint PRIMARY KEY, small smallint, flag boolean, amount numeric, fixed cents, wide double precision, narrow real,
    words text, padded char(5), raw bytea, day date, moment timestamp, instant timestamptz, clock time, thing uuid, tree jsonb,
    feeling mood, numbers integer[], span int4range, net inet, pause interval,
    twice bigint GENERATED ALWAYS AS (small * 2) STORED
);
CREATE TABLE pairs (a int, b text, c text, PRIMARY KEY (a, b));
CREATE TABLE large (id int PRIMARY KEY, note text, body text);
ALTER TABLE large ALTER body SET STORAGE EXTERNAL;
CREATE TABLE fully (id int PRIMARY KEY, note text, body text);
ALTER TABLE fully ALTER body SET STORAGE EXTERNAL; ALTER TABLE fully REPLICA IDENTITY FULL;
CREATE SCHEMA other; CREATE TABLE other.plain (id int PRIMARY KEY, v int);
CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE changing (id int PRIMARY KEY, a text, b text);
CREATE TABLE unfollowed (id int PRIMARY KEY);
"""
_FOLLOWED = ["kinds", "pairs", "large", "fully", "other.plain", "parted", "changing"]
_OPTIONS = CaptureOptions(name=f"caravan_{uuid.uuid4().hex[:12]}")


@pytest.fixture(scope="module")
def database(postgres_server: DatabaseAddress) -> Iterator[str]:
    name = f"caravan_capture_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server.libpq(None), autocommit=True) as administrator:
        administrator.execute(f"CREATE DATABASE {name}".encode())
        url = postgres_server.named(name).libpq(None)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_TABLES.encode())
        yield url
        administrator.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s",
            (name,),
        )
        administrator.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def prepared(database: str) -> Position:
    return prepare_changes("postgresql", database, _FOLLOWED, options=_OPTIONS)


@pytest.fixture
def source(database: str, prepared: Position) -> Iterator[ChangeSource]:
    with closing(open_changes("postgresql", database, _FOLLOWED, options=_OPTIONS)) as opened:
        yield opened


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def _run(url: str, *statements: str) -> None:
    with _connected(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_insert_update_and_delete_are_told_in_order_with_key_and_row(database: str, source: ChangeSource):
    start = source.head()
    _run(
        database,
        "INSERT INTO other.plain VALUES (1, 10), (2, 20)",
        "UPDATE other.plain SET v = 11 WHERE id = 1",
        "DELETE FROM other.plain WHERE id = 2",
        "INSERT INTO unfollowed VALUES (1)",
    )

    found = with_changes(source, start)

    assert [[shown(change) for change in each.changes] for each in found] == [
        [("upsert", {"id": 1}, {"id": 1, "v": 10}), ("upsert", {"id": 2}, {"id": 2, "v": 20})],
        [("upsert", {"id": 1}, {"id": 1, "v": 11})],
        [("delete", {"id": 2}, None)],
    ]
    assert [change.step for change in found[0].changes] == [0, 1]
    assert {change.collection for each in found for change in each.changes} == {"other.plain"}
    assert [each.committed_at.utcoffset() for each in found] == [found[0].committed_at.utcoffset()] * 3
    assert found[0].committed_at.tzinfo is not None


def test_records_are_byte_for_byte_what_the_reader_gives(database: str, source: ChangeSource):
    start = source.head()
    columns = (
        "id, small, flag, amount, fixed, wide, narrow, words, padded, raw, day, moment, instant, clock, thing, tree, feeling,"
        " numbers, span, net, pause"
    )
    _run(
        database,
        "DELETE FROM kinds",
        f"""INSERT INTO kinds ({columns}) VALUES
        (-9223372036854775808, -32768, true, 1e-20, -12345678901234567890.123456, 0.1, 0.1, E'é\\n\\\\"\\t日本', 'ab', '\\x00ff', '0001-01-01',
         '9999-12-31 23:59:59.999999', '2024-02-29 01:02:03.000001+05:30', '24:00:00', 'f47ac10b-58cc-4372-a567-0e02b2c3d479',
         '{{"b": [1.10, null], "a": "\\u00e9"}}', 'it''s ok', '{{1,NULL,3}}', '[1,5)', '10.0.0.0/8', '1 year 2 days'),
        (1, null, null, 'NaN', null, 'Infinity', '-0', '', '', '', null, null, null, '00:00', null, 'null', null, '{{}}', 'empty', '::1', null),
        (2, null, null, null, null, null, null, null, null, null, 'infinity', null, null, null, null, null, null, null, null, null, null)""",
    )

    captured = {
        change.key["id"]: change.record
        for each in followed(source, start)
        for change in each.changes
        if change.collection == "kinds"
    }

    with closing(PostgresReader(database)) as reader:
        read = {decode("row", record.raw)["id"]: record for record in reader.read("kinds")}
    assert captured.keys() == read.keys() == {-9223372036854775808, 1, 2}
    for key, record in read.items():
        assert captured[key] is not None
        assert captured[key].raw == record.raw
    refused = captured[2]
    assert isinstance(refused, BrokenRecord)
    assert (refused.reason, refused.field) == ("date.infinite", "day")


def test_a_key_that_changes_is_a_delete_and_an_upsert(database: str, source: ChangeSource):
    _run(database, "TRUNCATE pairs", "INSERT INTO pairs VALUES (1, 'x', 'kept')")
    start = source.head()
    _run(database, "UPDATE pairs SET b = 'y' WHERE a = 1")

    assert told(source, start) == [
        ("delete", {"a": 1, "b": "x"}, None),
        ("upsert", {"a": 1, "b": "y"}, {"a": 1, "b": "y", "c": "kept"}),
    ]
    _run(database, "DELETE FROM pairs")


@pytest.mark.parametrize("table", ["large", "fully"])
def test_a_large_value_that_an_update_leaves_alone_is_not_lost(
    database: str, source: ChangeSource, table: str
):
    body = uuid.uuid4().hex * 300
    _run(database, f"DELETE FROM {table}", f"INSERT INTO {table} VALUES (1, 'first', '{body}')")
    start = source.head()
    _run(database, f"UPDATE {table} SET note = 'second'")

    assert told(source, start) == [("upsert", {"id": 1}, {"id": 1, "note": "second", "body": body})]


def test_an_update_whose_large_value_is_gone_by_now_leaves_the_telling_to_the_delete(
    database: str, source: ChangeSource
):
    _run(database, "DELETE FROM large", f"INSERT INTO large VALUES (1, 'first', '{uuid.uuid4().hex * 300}')")
    start = source.head()
    _run(database, "UPDATE large SET note = 'second'", "DELETE FROM large")

    assert told(source, start) == [("delete", {"id": 1}, None)]


def test_truncate_names_the_table_that_was_emptied(database: str, source: ChangeSource):
    start = source.head()
    _run(database, "INSERT INTO pairs VALUES (5, 'x', NULL)", "TRUNCATE pairs")

    assert [kind for kind, _, _ in told(source, start)] == ["upsert", "truncate"]


def test_rows_of_partitions_are_told_as_rows_of_the_whole(database: str, source: ChangeSource):
    start = source.head()
    _run(database, "INSERT INTO parted VALUES (5, 'low')", "DELETE FROM parted")

    (inserted, deleted) = [change for each in followed(source, start) for change in each.changes]
    assert (inserted.collection, row_of(inserted)) == ("parted", {"id": 5, "v": "low"})
    assert (deleted.collection, deleted.key) == ("parted", {"id": 5})


def test_what_was_rolled_back_is_not_told_and_transactions_come_in_the_order_of_their_commits(
    database: str, source: ChangeSource
):
    start = source.head()
    with _connected(database) as early, _connected(database) as late, _connected(database) as undone:
        for connection in (early, late, undone):
            connection.execute("BEGIN")
        early.execute("INSERT INTO other.plain VALUES (101, 1)")
        undone.execute("INSERT INTO other.plain VALUES (102, 1)")
        late.execute("INSERT INTO other.plain VALUES (103, 1)")
        early.execute("INSERT INTO other.plain VALUES (104, 1)")
        undone.execute("ROLLBACK")
        late.execute("COMMIT")
        early.execute("COMMIT")

    found = with_changes(source, start)

    assert [[change.key["id"] for change in each.changes] for each in found] == [[103], [101, 104]]
    assert found[0].position < found[1].position


def test_a_transaction_of_ours_carries_its_tag(database: str, source: ChangeSource):
    start = source.head()
    first, _ = tag_statements("postgresql", "rps/forward's", _OPTIONS)
    _run(
        database,
        "INSERT INTO other.plain VALUES (201, 1)",
        "BEGIN",
        *first,
        "INSERT INTO other.plain VALUES (202, 1)",
        "COMMIT",
        "INSERT INTO other.plain VALUES (203, 1)",
    )

    assert [each.tag for each in with_changes(source, start)] == ["", "rps/forward's", ""]


def test_a_large_transaction_comes_whole_and_after_it_the_next(database: str, source: ChangeSource):
    start = source.head()
    _run(
        database,
        "INSERT INTO other.plain SELECT i, i FROM generate_series(1000, 8999) i",
        "DELETE FROM other.plain WHERE id = 1000",
    )

    found = with_changes(source, start)

    assert [len(each.changes) for each in found] == [8000, 1]
    _run(database, "TRUNCATE other.plain")


def test_what_is_not_confirmed_is_told_again_and_what_is_confirmed_is_forgotten(
    database: str, source: ChangeSource
):
    start = source.head()
    _run(database, "INSERT INTO other.plain VALUES (301, 1)", "INSERT INTO other.plain VALUES (302, 1)")
    first, second = with_changes(source, start)

    with closing(open_changes("postgresql", database, _FOLLOWED, options=_OPTIONS)) as again:
        assert with_changes(again, start) == [first, second]
        assert with_changes(again, first.position) == [second]
        kept = again.retained()
        again.confirm(second.position)
        assert with_changes(again, second.position) == []
        assert kept is not None
        with pytest.raises(ChangesLostError, match="confirmed beyond"):
            list(again.transactions(start, wait=0))


def test_a_broken_connection_stops_the_capture_and_the_next_one_goes_on_from_the_position(
    database: str, source: ChangeSource
):
    start = source.head()
    _run(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caravan capture'"
        " AND datname = current_database()",
        "INSERT INTO other.plain VALUES (401, 1)",
    )

    with pytest.raises(CaptureStoppedError):
        list(source.transactions(start, wait=0))

    with closing(open_changes("postgresql", database, _FOLLOWED, options=_OPTIONS)) as again:
        assert [key for _, key, _ in told(again, start)] == [{"id": 401}]


def test_a_new_column_is_read_and_a_lost_one_stops_the_capture(database: str, source: ChangeSource):
    start = source.head()
    _run(
        database,
        "INSERT INTO changing VALUES (1, 'a', 'b')",
        "ALTER TABLE changing ADD COLUMN c int DEFAULT 7",
    )
    _run(database, "INSERT INTO changing VALUES (2, 'a', 'b', 8)")

    rows = {key["id"]: row for _, key, row in told(source, start)}
    assert rows[2] == {"id": 2, "a": "a", "b": "b", "c": 8}
    assert rows[1] == {"id": 1, "a": "a", "b": "b", "c": 7}  # the column that the log lacks, as it is now

    start = source.head()
    _run(database, "ALTER TABLE changing DROP COLUMN b", "INSERT INTO changing VALUES (3, 'a', 9)")
    with pytest.raises(CaptureStoppedError, match="changing has lost the column b"):
        followed(source, start)
    needed = replace(_OPTIONS, columns={"changing": frozenset({"id", "a"})})
    with closing(open_changes("postgresql", database, _FOLLOWED, options=needed)) as again:
        assert [row for _, _, row in told(again, start)] == [{"id": 3, "a": "a", "c": 9}]


def test_a_slot_that_is_gone_is_told_and_can_be_made_anew(database: str):
    options = CaptureOptions(name=f"caravan_{uuid.uuid4().hex[:12]}")
    position = prepare_changes("postgresql", database, ["pairs"], options=options)
    with closing(open_changes("postgresql", database, ["pairs"], options=options)) as source:
        assert prepare_changes("postgresql", database, ["pairs"], options=options) == position
        _run(database, f"SELECT pg_drop_replication_slot('{options.name}')")

        with pytest.raises(ChangesLostError, match="does not exist"):
            list(source.transactions(position, wait=0))

    assert prepare_changes("postgresql", database, ["pairs"], options=options) > position
    remove_changes("postgresql", database, ["pairs"], options=options)
    with pytest.raises(ChangesLostError):
        open_changes("postgresql", database, ["pairs"], options=options)


def test_a_table_that_is_made_again_is_not_silently_left_out(database: str):
    options = CaptureOptions(name=f"caravan_{uuid.uuid4().hex[:12]}")
    _run(database, "CREATE TABLE again (id int PRIMARY KEY)")
    start = prepare_changes("postgresql", database, ["again"], options=options)
    with closing(open_changes("postgresql", database, ["again"], options=options)) as source:
        _run(
            database,
            "DROP TABLE again",
            "CREATE TABLE again (id int PRIMARY KEY)",
            "INSERT INTO again VALUES (1)",
        )
        with pytest.raises(ChangesLostError, match="again is not in the publication"):
            list(source.transactions(start, wait=0))
    remove_changes("postgresql", database, ["again"], options=options)


def test_a_table_that_loses_its_identity_stops_the_capture(database: str):
    options = CaptureOptions(name=f"caravan_{uuid.uuid4().hex[:12]}")
    _run(database, "CREATE TABLE nameless (id int PRIMARY KEY)")
    start = prepare_changes("postgresql", database, ["nameless"], options=options)
    with closing(open_changes("postgresql", database, ["nameless"], options=options)) as source:
        _run(database, "ALTER TABLE nameless REPLICA IDENTITY NOTHING", "INSERT INTO nameless VALUES (1)")
        with pytest.raises(CaptureStoppedError, match="no replica identity"):
            followed(source, start)
    remove_changes("postgresql", database, ["nameless"], options=options)


def test_a_table_more_is_followed_from_when_it_was_added(database: str):
    options = CaptureOptions(name=f"caravan_{uuid.uuid4().hex[:12]}")
    _run(database, "TRUNCATE pairs", "TRUNCATE parted")
    start = prepare_changes("postgresql", database, ["pairs"], options=options)
    _run(database, "INSERT INTO pairs VALUES (7, 'a', NULL)", "INSERT INTO parted VALUES (7, 'unfollowed')")
    assert prepare_changes("postgresql", database, ["pairs", "parted"], options=options) == start
    _run(database, "INSERT INTO pairs VALUES (8, 'a', NULL)", "INSERT INTO parted VALUES (8, 'followed')")

    with closing(open_changes("postgresql", database, ["pairs", "parted"], options=options)) as source:
        found = [change for each in followed(source, start) for change in each.changes]
    assert [(change.collection, next(iter(change.key.values()))) for change in found] == [
        ("pairs", 7),
        ("pairs", 8),
        ("parted", 8),
    ]
    remove_changes("postgresql", database, ["pairs", "parted"], options=options)
    _run(database, "TRUNCATE pairs", "TRUNCATE parted")


def test_a_snapshot_opened_after_preparing_and_the_changes_behind_it_miss_nothing(
    database: str, source: ChangeSource, prepared: Position
):
    """The prepared position is a lower bound: what commits later is told, what committed earlier is in the snapshot."""
    _run(database, "TRUNCATE pairs", "INSERT INTO pairs VALUES (1, 'before', NULL)")
    start = source.head()
    with _connected(database) as late:
        late.execute("BEGIN")
        late.execute("INSERT INTO pairs VALUES (2, 'late', NULL)")
        with closing(PostgresReader(database)) as reader:
            late.execute("COMMIT")
            seen = {
                decode("row", record.raw)["b"]
                for record in reader.read("pairs")
                if isinstance(record, Record)
            }

    assert seen | {key["b"] for _, key, _ in told(source, start)} == {"before", "late"}


def test_a_table_whose_log_would_not_tell_the_key_is_refused_or_given_an_identity(database: str):
    _run(database, "CREATE TABLE keyless (a int, b text)")
    try:
        with pytest.raises(CaptureRefusedError, match="REPLICA IDENTITY FULL") as refused:
            prepare_changes(
                "postgresql", database, ["keyless"], options=CaptureOptions(name="caravan_keyless")
            )
        assert refused.value.details["statements"] == (
            'ALTER TABLE "public"."keyless" REPLICA IDENTITY FULL',
        )
        by_rule = CaptureOptions(name="caravan_keyless", identity="full")
        assert 'ALTER TABLE "public"."keyless" REPLICA IDENTITY FULL' in capture_statements(
            "postgresql", database, ["keyless"], by_rule
        )
        _run(database, *capture_statements("postgresql", database, ["keyless"], by_rule))
        with closing(open_changes("postgresql", database, ["keyless"], options=by_rule)) as source:
            start = source.head()
            _run(database, "INSERT INTO keyless VALUES (1, 'x')", "UPDATE keyless SET b = 'y'")
            assert [(kind, key) for kind, key, _ in told(source, start)] == [
                ("upsert", {"a": 1, "b": "x"}),
                ("delete", {"a": 1, "b": "x"}),
                ("upsert", {"a": 1, "b": "y"}),
            ]
        remove_changes("postgresql", database, ["keyless"], by_rule)
    finally:
        _run(database, "DROP TABLE keyless")


def test_a_role_without_rights_is_told_what_to_run_and_what_else_there_is(database: str):
    role = f"reader_{uuid.uuid4().hex[:8]}"
    _run(database, f"CREATE ROLE {role} LOGIN PASSWORD 'x'", f"GRANT SELECT ON pairs TO {role}")
    try:
        parts = psycopg.conninfo.conninfo_to_dict(database)
        url = f"postgresql://{role}:x@/{parts['dbname']}?host={parts['host']}&port={parts.get('port', 5432)}"
        with pytest.raises(CaptureRefusedError, match=r"ALTER ROLE .+ REPLICATION"):
            prepare_changes("postgresql", url, ["pairs"])
        slot, outbox, watermark = look("postgresql", url, ["pairs"])
        assert (slot.mechanism, slot.usable, slot.statements) == (
            "slot",
            False,
            (f'ALTER ROLE "{role}" REPLICATION',),
        )
        assert (outbox.mechanism, outbox.usable) == ("outbox", False)
        assert "may not make triggers on pairs" in outbox.obstacle
        assert (watermark.mechanism, watermark.usable) == ("watermark", False)
        assert [offer.usable for offer in look("postgresql", database, ["pairs"])] == [True, True, False]
        assert "no table 'nothing'" in look("postgresql", database, ["nothing"])[0].obstacle
    finally:
        _run(database, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_an_unreachable_server_is_named_without_the_password():
    with pytest.raises(CaptureStoppedError, match=r"postgresql://me@127\.0\.0\.1:1/shop") as raised:
        open_changes("postgresql", "postgresql://me:secret@127.0.0.1:1/shop", ["t"])
    assert "secret" not in str(raised.value)
