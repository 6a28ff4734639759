"""A whole load from SQLite, CSV and JSON lines, through the mapping that the scaffold drafts."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.core.ids import legacy_id, source_namespace
from caravan.migration.load import chunks, verify
from tests.fixtures.source_loads import DraftedLoad, drafted_load
from tests.fixtures.toy.shop import ORG

_NAMESPACE = source_namespace("old", ORG)


def _waived(*classes: str) -> str:
    return "".join(f'[[waivers]]\nclass = "{name}"\nowner = "o"\nreason = "r"\n' for name in classes)


def _loads_once(load: DraftedLoad) -> list[str]:
    """Load a part, the whole, and again; return the classes in quarantine."""
    load.load(limit=1)
    report = load.load()
    assert report.exit_code == 0, report.to_json()
    again = load.load()
    assert {name: each.loaded for name, each in again.data_sets.items()} == dict.fromkeys(again.data_sets, 0)
    assert again.checksums == report.checksums
    return sorted(item["class"] for item in report.as_json()["quarantine"])


def test_sqlite(own_database: DatabaseAddress, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as file:
        file.executescript(
            "CREATE TABLE owners (id INTEGER PRIMARY KEY, name TEXT);"
            "CREATE TABLE things (id TEXT, n INTEGER, owner INTEGER REFERENCES owners (id), price DECIMAL(10,2), ratio REAL, raw BLOB,"
            " ok BOOLEAN, at DATETIME, made INTEGER, twice AS (n * 2), PRIMARY KEY (id, n)) WITHOUT ROWID;"
            "INSERT INTO owners VALUES (-5, 'été'), (9223372036854775807, NULL);"
            "INSERT INTO things (id, n, owner, price, ratio, raw, ok, at, made) VALUES"
            " ('a', 1, -5, 12.3, 0.1, x'00ff', 1, '2024-05-01 12:00:00', 1714557600),"
            " ('a', 2, 77, '12.30', 5, NULL, 0, NULL, NULL), ('b', 1, NULL, 'dear', NULL, NULL, NULL, NULL, NULL),"
            " ('c', 1, NULL, NULL, NULL, NULL, 'maybe', NULL, NULL);"
        )
        file.commit()
    rules = 'timezone = "Europe/Paris"\ncolumns = { "things.at" = "iso", "things.made" = "unix" }'
    edit = {'"at", Text()': '"at", LocalDate()', '"made", BigInteger()': '"made", Date()', "    Exact,\n": "    Date,\n    Exact,\n", "    Text,\n": "    LocalDate,\n    Text,\n"}  # fmt: skip
    place = tmp_path / "shop.db"
    with drafted_load(
        own_database, tmp_path, 'path = "shop.db"', place, "owners", "things", edit=edit
    ) as load:
        load.describe("owners", "things", rules=rules, more=_waived("flag.not_a_flag", "number.not_a_number"))
        assert _loads_once(load) == ["flag.not_a_flag", "number.not_a_number"]
        first, second = load.rows("things", "legacy_id, n")
        assert first == {
            "legacy_id": "a", "n": 1, "owner": legacy_id(_NAMESPACE, "owners", "i", "-5"), "price": Decimal("12.3"), "ratio": 0.1,
            "raw": b"\x00\xff", "ok": True, "at": datetime(2024, 5, 1, 10, tzinfo=UTC), "made": datetime(2024, 5, 1, 10, tzinfo=UTC),
            "extra": None,
        }  # fmt: skip
        assert (second["owner"], second["price"], second["ratio"]) == (None, Decimal("12.3"), 5.0)
        assert [row["legacy_id"] for row in load.rows("owners", "legacy_id")] == [-5, 2**63 - 1]


def test_a_table_that_has_grown_is_loaded_from_where_it_ended_and_verified(
    own_database: DatabaseAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 100)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as file:
        file.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
        file.executemany("INSERT INTO things VALUES (?, 'a')", [(n,) for n in range(420)])
        file.commit()
        place = tmp_path / "shop.db"
        with drafted_load(own_database, tmp_path, 'path = "shop.db"', place, "things") as load:
            assert load.load().data_sets["things"].loaded == 420
            file.executemany("INSERT INTO things VALUES (?, 'a')", [(n,) for n in range(420, 600)])
            file.commit()
            assert load.load().data_sets["things"].loaded == 180
            found = verify(load.request())
            assert found.ok, found.to_json()


def test_csv(own_database: DatabaseAddress, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "things.csv").write_bytes(
        'code,n,words,price\na1,10,"two\nlines, ""quoted""",1.50\nb2,-7,été,\na1,10,again,2\n'.encode()
        + b"c3,1,\xff\xfe,3\n"
    )
    (tmp_path / "data" / "loose.tsv").write_text("word\tn\nsame\t01\nsame\t01\n")
    source, place = 'path = "data"', tmp_path / "data"
    with drafted_load(own_database, tmp_path, source, place, "things", "loose", edit={'key=(),\n        client=False,\n        fields=(\n            Field("code"': 'key=("code",),\n        client=False,\n        fields=(\n            Field("code"'}) as load:  # fmt: skip
        load.describe("things", "loose", more=_waived("key.repeated", "text.invalid"))
        assert _loads_once(load) == ["key.repeated", "key.repeated", "text.invalid"]
        assert load.rows("things", "code") == [
            {"code": "a1", "n": 10, "words": 'two\nlines, "quoted"', "price": "1.50", "extra": None},
            {"code": "b2", "n": -7, "words": "été", "price": "", "extra": None},
        ]
        assert load.rows("loose") == [{"word": "same", "n": "01", "extra": None}]


def test_json_lines(own_database: DatabaseAddress, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "things.jsonl").write_text(
        '{"_id": 1, "name": "a", "price": 1.5, "tags": ["x"]}\n'
        '{"_id": "1", "name": "b", "price": 0.1000000000000000055511151231257827, "more": {"$oid": "507f1f77bcf86cd799439011"}}\n'
        '{"_id": {"$oid": "507f1f77bcf86cd799439011"}, "name": "c", "price": {"$numberDecimal": "1E+3"}}\n'
        '{"_id": {"a": 1}, "name": "d"}\n{"name": "e"}\n'
    )
    with drafted_load(own_database, tmp_path, 'path = "data"', tmp_path / "data", "things") as load:
        load.describe("things", more=_waived("key.missing", "key.not_a_key"))
        assert _loads_once(load) == ["key.missing", "key.not_a_key"]
        assert load.rows("things", "name") == [
            {"name": "a", "price": Decimal("1.5"), "tags": ["x"], "more": None, "extra": None},
            {"name": "b", "price": Decimal("0.1000000000000000055511151231257827"), "tags": None,
             "more": "507f1f77bcf86cd799439011", "extra": None},
            {"name": "c", "price": Decimal(1000), "tags": None, "more": None, "extra": None},
        ]  # fmt: skip
