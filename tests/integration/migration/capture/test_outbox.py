# ruff: noqa: S608 - statements of a test, on names of its own making
"""The same behaviour in three stores: PostgreSQL without a slot, MariaDB without its log, and a SQLite file."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.capture import (
    CaptureOptions,
    CaptureRefusedError,
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
from caravan.migration.load.readers import open_source
from tests.fixtures.captured import followed, shown, told, with_changes
from tests.fixtures.old_stores import STORES, Old, old_store, run_on

_OPTIONS = CaptureOptions(mechanism="outbox")


@pytest.fixture(params=STORES)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Old]:
    yield from old_store(request.param, request, tmp_path)


@pytest.fixture
def start(old: Old) -> Position:
    return prepare_changes(old.kind, old.place, ["goods", "pairs"], options=_OPTIONS)


@pytest.fixture
def source(old: Old, start: Position) -> Iterator[ChangeSource]:
    with closing(open_changes(old.kind, old.place, ["goods", "pairs"], options=_OPTIONS)) as opened:
        yield opened


def _read(old: Old, table: str) -> list[bytes]:
    reader = open_source(old.place, old.kind)  # type: ignore[arg-type]
    with closing(reader):  # type: ignore[type-var]
        return [record.raw for record in reader.read(table)]


def test_writes_are_told_as_their_rows_are_now(old: Old, source: ChangeSource, start: Position):
    old.run("INSERT INTO goods VALUES (1, 'é', 'a', 1.50), (2, 'it''s', 'b', NULL)")
    first = followed(source, start)
    old.run("UPDATE goods SET name = 'z' WHERE id = 1", "DELETE FROM goods WHERE id = 2")
    second = followed(source, first[-1].position)

    keys = [(change.kind, change.key) for each in first for change in each.changes]
    assert keys == [("upsert", {"id": 1}), ("upsert", {"id": 2})]
    (updated, deleted) = [change for each in second for change in each.changes]
    assert (updated.kind, deleted.kind, deleted.key) == ("upsert", "delete", {"id": 2})
    assert [updated.record.raw] == _read(old, "goods")  # type: ignore[union-attr]
    assert source.sees_deletes


def test_a_key_that_changes_is_a_delete_and_an_upsert_also_in_a_composite_key(
    old: Old, source: ChangeSource, start: Position
):
    old.run("INSERT INTO pairs VALUES (7, 'Ab''c', '2024-02-29 10:00:00'), (8, '', NULL)")
    reached = followed(source, start)[-1].position
    old.run(
        "UPDATE pairs SET b = 'd\\' WHERE a = 7"
        if old.kind == "sqlite"
        else "UPDATE pairs SET b = 'd' WHERE a = 7"
    )

    changes = [change for each in followed(source, reached) for change in each.changes]
    assert [(change.kind, change.key["a"], change.key["b"][0]) for change in changes] == [
        ("delete", 7, "A"),
        ("upsert", 7, "d"),
    ]
    assert changes[1].record.raw in _read(old, "pairs")  # type: ignore[union-attr]


def test_rows_that_give_way_to_a_replacing_one_are_told_as_deleted(
    old: Old, source: ChangeSource, start: Position
):
    old.run("INSERT INTO goods VALUES (1, 'old', 'same', 1)")
    reached = followed(source, start)[-1].position
    if old.kind == "postgresql":
        old.run("DELETE FROM goods WHERE code = 'same'", "INSERT INTO goods VALUES (2, 'new', 'same', 1)")
    else:
        old.run("REPLACE INTO goods VALUES (2, 'new', 'same', 1)")

    assert {(kind, key["id"]) for kind, key, _ in told(source, reached)} == {("delete", 1), ("upsert", 2)}


@pytest.mark.parametrize(
    "old", [pytest.param("mariadb", marks=pytest.mark.needs("mariadbd")), "postgresql"], indirect=True
)
def test_a_transaction_that_commits_late_is_not_passed_over(old: Old, source: ChangeSource, start: Position):
    """It took its number first; whoever reads by number alone never comes back for it."""
    with closing(old.connect()) as late:
        run_on(late, "BEGIN", "INSERT INTO goods VALUES (1, 'late', 'l', 1)")
        old.run("INSERT INTO goods VALUES (2, 'early', 'e', 1)")
        early = followed(source, start)
        source.confirm(early[-1].position)
        run_on(late, "COMMIT")
    behind = followed(source, early[-1].position)

    assert [key["id"] for each in early for _, key, _ in map(shown, each.changes)] == [2]
    assert [key["id"] for each in behind for _, key, _ in map(shown, each.changes)] == [1]


def test_what_was_rolled_back_is_not_told(old: Old, source: ChangeSource, start: Position):
    old.run(
        "BEGIN",
        "INSERT INTO goods VALUES (1, 'never', 'n', 1)",
        "ROLLBACK",
        "INSERT INTO goods VALUES (2, 'x', 'y', 1)",
    )
    assert [key["id"] for _, key, _ in told(source, start)] == [2]


def test_a_tagged_transaction_is_told_with_its_tag_and_the_next_one_without(
    old: Old, source: ChangeSource, start: Position
):
    first, last = tag_statements(old.kind, "rps/it's", _OPTIONS)
    old.run(
        "INSERT INTO goods VALUES (1, 'theirs', 'a', 1)",
        "BEGIN", *first, "INSERT INTO goods VALUES (2, 'ours', 'b', 1)", *last, "COMMIT",
        "INSERT INTO goods VALUES (3, 'theirs', 'c', 1)",
    )  # fmt: skip

    found = with_changes(source, start)
    assert [(each.tag, [change.key["id"] for change in each.changes]) for each in found] == [
        ("", [1]),
        ("rps/it's", [2]),
        ("", [3]),
    ]


def test_a_position_is_told_again_until_it_is_confirmed(old: Old, source: ChangeSource, start: Position):
    old.run(*(f"INSERT INTO goods VALUES ({number}, 'x', 'c{number}', 1)" for number in range(5)))
    first = told(source, start)
    assert told(source, start) == first
    source.confirm(source.head())

    assert told(source, source.head()) == []
    with pytest.raises(ChangesLostError, match="beyond the position asked for"):
        list(source.transactions(start, wait=0))


def test_many_changes_come_in_several_batches_each_key_once(old: Old, start: Position):
    old.run(
        "BEGIN",
        *(f"INSERT INTO goods VALUES ({number}, 'x', 'c{number}', 1)" for number in range(60)),
        *(f"UPDATE goods SET name = 'y' WHERE id = {number}" for number in range(60)),
        "COMMIT",
    )
    options = CaptureOptions(mechanism="outbox", batch=25)
    with closing(open_changes(old.kind, old.place, ["goods", "pairs"], options=options)) as source:
        found = with_changes(source, start)

    assert max(len(each.changes) for each in found) <= 25
    rows = {change.key["id"]: shown(change)[2] for each in found for change in each.changes}
    assert [row["name"] for row in rows.values() if row] == ["y"] * 60


def test_the_statements_may_be_run_by_hand_and_again(old: Old, start: Position):
    statements = capture_statements(old.kind, old.place, ["goods", "pairs"], _OPTIONS)
    old.run(*statements)
    old.run(*statements)
    with closing(open_changes(old.kind, old.place, ["goods", "pairs"], options=_OPTIONS)) as source:
        old.run("INSERT INTO goods VALUES (1, 'once', 'a', 1)")
        assert len(told(source, start)) == 1


def test_a_dropped_trigger_is_told_as_lost_changes(old: Old, source: ChangeSource, start: Position):
    name = {
        "sqlite": '"caravan insert goods"',
        "mariadb": "caravan_insert_goods",
        "postgresql": "caravan_rows ON goods",
    }[old.kind]
    old.run(f"DROP TRIGGER {name}")

    with pytest.raises(ChangesLostError, match="trigger of table goods"):
        list(source.transactions(start, wait=0))


def test_truncate_is_told_where_it_can_be_and_found_out_where_not(
    old: Old, source: ChangeSource, start: Position
):
    old.run("INSERT INTO goods VALUES (1, 'x', 'a', 1)")
    if old.kind == "sqlite":
        old.run("DELETE FROM goods")
        assert [kind for kind, _, _ in told(source, start)] == ["delete"]
    elif old.kind == "postgresql":
        old.run("TRUNCATE goods", "INSERT INTO goods VALUES (2, 'x', 'a', 1)")
        assert [kind for kind, _, _ in told(source, start)] == ["delete", "truncate", "upsert"]
    else:
        old.run("TRUNCATE goods")
        with pytest.raises(ChangesLostError, match="goods was truncated or rebuilt"):
            list(source.transactions(start, wait=0))


def test_an_outbox_leaves_nothing_behind_and_a_new_one_does_not_take_old_positions(
    old: Old, source: ChangeSource, start: Position
):
    old.run("INSERT INTO goods VALUES (1, 'x', 'a', 1)")
    reached = followed(source, start)[-1].position
    remove_changes(old.kind, old.place, ["goods", "pairs"], _OPTIONS)
    old.run("INSERT INTO goods VALUES (2, 'x', 'b', 1)")
    assert prepare_changes(old.kind, old.place, ["goods", "pairs"], options=_OPTIONS) < reached

    with pytest.raises(ChangesLostError, match="made anew"):
        list(source.transactions(reached, wait=0))


def test_a_change_names_the_columns_it_is_asked_to(old: Old):
    options = CaptureOptions(mechanism="outbox", keys={"goods": ("code", "id")})
    start = prepare_changes(old.kind, old.place, ["goods"], options=options)
    with closing(open_changes(old.kind, old.place, ["goods"], options=options)) as source:
        old.run(
            "INSERT INTO goods VALUES (1, 'x', 'a', 1)", "UPDATE goods SET code = 'b'", "DELETE FROM goods"
        )
        assert [(kind, key) for kind, key, _ in told(source, start)] == [
            ("delete", {"code": "a", "id": 1}),
            ("delete", {"code": "b", "id": 1}),
        ]
    with pytest.raises(CaptureRefusedError, match="goods has no column nothing"):
        prepare_changes(
            old.kind, old.place, ["goods"], options=replace(options, keys={"goods": ("nothing",)})
        )


def test_a_table_without_a_key_is_refused(old: Old):
    with pytest.raises(CaptureRefusedError, match="keyless has no key"):
        prepare_changes(old.kind, old.place, ["keyless"], options=_OPTIONS)
    by_way = {offer.mechanism: offer for offer in look(old.kind, old.place, ["keyless"])}
    assert "keyless has no key" in by_way["outbox"].obstacle
    assert {offer.mechanism: offer.usable for offer in look(old.kind, old.place, ["goods"])}["outbox"]


def test_a_role_that_may_not_see_the_outbox_can_still_write(
    postgres_server: DatabaseAddress, tmp_path: Path, request: pytest.FixtureRequest
):
    """The trigger runs with the rights of who made it."""
    for old in old_store("postgresql", request, tmp_path):
        role = f"shop_{uuid.uuid4().hex[:8]}"
        start = prepare_changes(old.kind, old.place, ["goods"], options=_OPTIONS)
        old.run(f"CREATE ROLE {role}", f"GRANT INSERT ON goods TO {role}", f"SET ROLE {role}")
        with closing(old.connect()) as connection:
            run_on(connection, f"SET ROLE {role}", "INSERT INTO goods VALUES (1, 'x', 'a', 1)")
        with closing(open_changes(old.kind, old.place, ["goods"], options=_OPTIONS)) as source:
            assert len(told(source, start)) == 1
        old.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_rows_that_a_foreign_key_deletes_in_sqlite_are_told(tmp_path: Path):
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        run_on(
            connection,
            "PRAGMA foreign_keys = ON",
            "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
            "CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id) ON DELETE CASCADE)",
            "INSERT INTO parents VALUES (1)",
            "INSERT INTO children VALUES (10, 1)",
        )
        start = prepare_changes("sqlite", file, ["parents", "children"])
        with closing(open_changes("sqlite", file, ["parents", "children"])) as source:
            run_on(connection, "DELETE FROM parents")
            found = {
                (change.collection, change.kind)
                for each in followed(source, start)
                for change in each.changes
            }
    assert found == {("parents", "delete"), ("children", "delete")}
