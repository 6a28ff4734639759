"""`caravan migration check` holds the mappings of a file against the stores that can be reached."""

from pathlib import Path

import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from tests.fixtures.toy.shop import Shop
from tests.integration.entry.conftest import Caravan


@pytest.fixture
def file(caravan: Caravan, shop: Shop) -> Path:
    assert caravan("db", "migrate").code == 0
    return shop.file


def test_a_mapping_that_fits_is_no_word(caravan: Caravan, file: Path) -> None:
    done = caravan("migration", "check", file)
    assert (done.code, "2 data sets; nothing is wrong" in done.out) == (0, True), done.out


def test_what_does_not_fit_the_target_is_told_at_its_line(
    caravan: Caravan, file: Path, own_database: DatabaseAddress
) -> None:
    with psycopg.connect(own_database.libpq(Role.OWNER), autocommit=True) as connection:
        connection.execute("ALTER TABLE toy_lines DROP COLUMN weight")
    done = caravan("migration", "check", file)
    line = 1 + file.read_text().splitlines().index('mapping = "tests.fixtures.toy.mapping:order"')
    assert done.code == 2
    assert f"{file}:{line}:1: wrong: data_sets.orders.mapping: " in done.out
    assert "there is no column weight" in done.out
    assert "2 data sets; 1 problems" in done.out
    assert caravan("migration", "check", file, "--no-stores").code == 0


def test_a_mapping_that_is_not_there_is_wrong(caravan: Caravan, file: Path) -> None:
    file.write_text(file.read_text().replace("mapping:order", "mapping:oder"))
    done = caravan("migration", "check", file)
    assert (done.code, "wrong: data_sets.orders.mapping: " in done.out) == (2, True)
    assert "has no 'oder'" in done.out


def test_what_cannot_be_reached_is_a_note(
    caravan: Caravan, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    (file.parent / "dump" / "shop" / "customers.bson").unlink()
    done = caravan("migration", "check", file)
    assert done.code == 0, done.out
    assert "note: data_sets: the target was not looked at: DATABASE_URL is not set" in done.out
    assert "note: data_sets.customers.source: the mapping was not held against its source: " in done.out
