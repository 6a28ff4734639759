"""`caravan migration mapping` writes a module that can be imported, and never over another one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from caravan.entry.commands.mapping import MappingFileExistsError, mapping

APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(mapping)
RUN = CliRunner()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as file:
        file.executescript("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE other (a);")
    return tmp_path / "shop.db"


def test_a_module_is_written_and_its_tables_are_printed(place: Path) -> None:
    done = RUN.invoke(APP, [str(place), "--table", "things", "-o", "old_shop_mapping.py"])
    assert (done.exit_code, done.exception) == (0, None)
    text = (place.parent / "old_shop_mapping.py").read_text()
    assert "things: Final = Entity(" in text
    assert "other" not in text
    printed = RUN.invoke(APP, ["old_shop_mapping", "--tables"])
    assert printed.exit_code == 0
    assert 'CREATE TABLE "legacy"."things" (' in printed.stdout


def test_an_edited_mapping_is_never_written_over(place: Path) -> None:
    RUN.invoke(APP, [str(place), "-o", "kept.py"])
    again = RUN.invoke(APP, [str(place), "-o", "kept.py"])
    assert isinstance(again.exception, MappingFileExistsError)


def test_a_kind_nobody_knows_is_refused(place: Path) -> None:
    assert RUN.invoke(APP, [str(place), "--kind", "oracle"]).exit_code == 2
