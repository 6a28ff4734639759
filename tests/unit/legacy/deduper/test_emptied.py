"""A job that ends well and leaves nothing is told of; what cannot be looked into is not guessed at."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from caravan.legacy.deduper.emptied import empty_table_doubt
from caravan.legacy.deduper.environment import DEDUPER


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    file = tmp_path / "a b.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE ArticleDuplicateAnalyses (id INTEGER PRIMARY KEY)")
    return file


def named(file: Path) -> dict[str, str]:
    return {"PATH_TO_DATABASE": str(file.parent), "NAME_DB": file.name}


def test_an_empty_table_is_told(shared: Path) -> None:
    assert "left ArticleDuplicateAnalyses empty" in (empty_table_doubt(named(shared)) or "")


def test_a_table_with_rows_is_not(shared: Path) -> None:
    with closing(sqlite3.connect(shared)) as connection, connection:
        connection.execute("INSERT INTO ArticleDuplicateAnalyses DEFAULT VALUES")
    assert empty_table_doubt(named(shared)) is None


def test_the_file_may_be_named_in_the_programs_own_settings(shared: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"PATH_TO_DATABASE={tmp_path}\nNAME_DB={shared.name}\n")
    assert empty_table_doubt({DEDUPER: str(tmp_path)}) is not None


@pytest.mark.parametrize("name", ["nothing.db", "no.db"])
def test_what_cannot_be_looked_into_is_no_doubt_and_is_not_made(tmp_path: Path, name: str) -> None:
    (tmp_path / "no.db").write_bytes(b"no database at all, but text" * 100)
    assert empty_table_doubt(named(tmp_path / name)) is None
    assert not (tmp_path / "nothing.db").exists()


def test_without_settings_there_is_nothing_to_look_at() -> None:
    assert empty_table_doubt({}) is None
