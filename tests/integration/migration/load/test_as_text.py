"""Chunks that go in as text leave what chunks of mapped records leave: rows, ledger, quarantine, findings; whatever stands in the source."""

import random
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.load import LoadReport, text_chunks, undo, verify
from caravan.migration.load.packed_keys import unpack
from tests.fixtures.capabilities import needs
from tests.fixtures.mariadb_server import PrivateMariadb
from tests.fixtures.source_loads import DraftedLoad, drafted_load
from tests.fixtures.toy.shop import ORG

pytestmark = needs("mariadbd")

_OWNERS = "CREATE TABLE owners (id int PRIMARY KEY, name varchar(20)) CHARACTER SET utf8mb4"
_THINGS = (
    "CREATE TABLE things (id bigint PRIMARY KEY, owner int, word varchar(60), old varchar(40) CHARACTER SET latin1, state enum('new','it''s'),"
    " flag tinyint(1), small smallint, big bigint unsigned, total decimal(12,3), ratio double, born date, at datetime(6), stamp timestamp(3) NULL,"
    " raw varbinary(9), made year, FOREIGN KEY (owner) REFERENCES owners (id)) CHARACTER SET utf8mb4"
)
_PLAIN = {
    "owner": ["1", "2", "NULL"],
    "word": ["'plain'", "''", "NULL", "'back\\\\slash \\\\N'", "'tab\tnew\nline\r'", "'été 日本 😀'", "' \\\\. '", "'NULL'", "'q''uote'"],
    "old": ["'Zoé'", "CONVERT(x'81' USING latin1)", "NULL", "''", "'\\\\'"],
    "state": ["'new'", "'it''s'", "NULL"],
    "flag": ["0", "1", "NULL"],
    "small": ["-32768", "7", "NULL"],
    "big": ["0", "9223372036854775807", "NULL"],
    "total": ["-12.340", "0", "1.5", "999999999.999", "NULL"],
    "ratio": ["0.1", "-0.0", "1e308", "1.7976931348623157e308", "3", "NULL", "0.30000000000000004"],
    "born": ["'2024-02-29'", "'0001-01-01'", "'9999-12-31'", "NULL"],
    "at": ["'2024-05-01 12:00:00.000001'", "'0001-01-01'", "'9999-12-31 23:59:59.999999'", "NULL", "'2024-10-27 02:30:00'"],
    "stamp": ["'2024-05-01 10:00:00.5'", "NULL"],
    "raw": ["x'00ff0d0a5c09'", "''", "NULL"],
    "made": ["1901", "2155", "NULL", "0"],
}  # fmt: skip
_TROUBLE = {
    "owner": ["77"],
    "word": ["CONCAT('a', CHAR(0), 'b')", "CAST(x'ff41' AS CHAR)"],
    "state": ["'unheard'"],
    "big": ["18446744073709551615"],
    "born": ["'0000-00-00'", "'2024-00-10'"],
    "at": ["'0000-00-00'", "'2024-02-00 10:00:00'"],
    "stamp": ["'0000-00-00'"],
}
_WAIVED = "".join(
    f'[[waivers]]\nclass = "{name}"\nowner = "o"\nreason = "r"\n'
    for name in ("date.zero", "text.invalid", "enum.not_a_member", "number.not_an_integer", "date.impossible")
)
_LEFT = {
    "ledger": "data_set, chunk, first_ordinal, records, quarantined, mapping_version, stale",
    "quarantine": "data_set, chunk, ordinal, reason, field, detail, tag, key, row_id",
    "findings": "data_set, kind, key, field, detail",
    "dangling_references": "data_set, table_name, row_id, column_name, wanted_id, tag, key",
}

_BOOK = "SELECT json_agg(to_jsonb(x) ORDER BY x.row_id) FROM (SELECT data_set, row_id, tag, key, chunk, ordinal FROM engine.legacy_keys) x"


def _value(random_: random.Random, name: str, *, trouble: float) -> str:
    chosen = _TROUBLE if name in _TROUBLE and random_.random() < trouble else _PLAIN
    return random_.choice(chosen[name])


def _rows(seed: int, count: int, *, trouble: float) -> Iterator[str]:
    random_ = random.Random(seed)  # noqa: S311 - rows of a test
    keys = random_.sample(range(-3 * count, 3 * count), count)
    for key in keys:
        yield f"({key}, {', '.join(_value(random_, name, trouble=trouble) for name in _PLAIN)})"


@contextmanager
def _shop(mariadb: PrivateMariadb, rows: Iterator[str]) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:12]}"
    with closing(mariadb.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = '', time_zone = '+00:00', foreign_key_checks = 0")
        for statement in (f"CREATE DATABASE {name}", f"USE {name}", _OWNERS, _THINGS):
            cursor.execute(statement)
        cursor.execute("INSERT INTO owners VALUES (1, 'first'), (2, NULL)")
        cursor.execute(f"INSERT INTO things VALUES {', '.join(rows)}")  # noqa: S608 - rows of a test
        try:
            yield name
        finally:
            cursor.execute(f"DROP DATABASE {name}")


@contextmanager
def _load(database: DatabaseAddress, folder: Path, place: str) -> Iterator[DraftedLoad]:
    with drafted_load(database, folder, f'url = "{place}"', place, "owners", "things") as load:
        load.describe("owners", "things", more=_WAIVED)
        yield load


def _left(load: DraftedLoad) -> dict[str, Any]:
    """What a load leaves, but for the hashes, which are of what was read."""
    found: dict[str, Any] = {
        table: load.value(
            f"SELECT json_agg(to_jsonb(x) ORDER BY to_jsonb(x)::text) FROM (SELECT {columns} FROM engine.{table}) x"  # noqa: S608 - names of a test
        )
        for table, columns in _LEFT.items()
    }
    with psycopg.connect(load.database.libpq(Role.SYSTEM)) as connection:
        unpack(connection, ORG, "m")
        found["book"] = connection.execute(_BOOK).fetchall()[0][0]
        connection.rollback()
    for table in ("owners", "things"):
        found[table] = load.value(
            f"SELECT json_agg(t::text ORDER BY id) FROM legacy.{table} t"  # noqa: S608 - names of a test
        )
    return found


def _packed(load: DraftedLoad) -> int:
    found = load.value("SELECT coalesce(sum(cardinality(keys)), 0) FROM engine.packed_keys")
    assert isinstance(found, int | float) or found is not None
    return int(str(found))


def _done(report: LoadReport) -> dict[str, tuple[int, int, int]]:
    return {name: (item.read, item.loaded, item.quarantined) for name, item in report.data_sets.items()}


@pytest.mark.parametrize(("seed", "trouble"), [(1, 0.0), (2, 0.002), (3, 0.3)])
def test_text_and_records_leave_the_same(
    mariadb: PrivateMariadb,
    own_database: DatabaseAddress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    trouble: float,
) -> None:
    monkeypatch.setattr(text_chunks, "TEXT_ROWS", 60)
    with (
        _shop(mariadb, _rows(seed, 700, trouble=trouble)) as shop,
        _load(own_database, tmp_path, mariadb.url(shop)) as load,
    ):
        text = load.load()
        if trouble < 0.1:
            assert _packed(load) > 100, "some chunks went in as text"
        by_text = _left(load)
        assert text.exit_code == 0, text.to_json()
        assert all(check["ok"] for check in text.checks.values()), text.to_json()
        undo(load.request())
        assert load.value("SELECT count(*) FROM legacy.things") == 0
        records = load.load(as_text=False)
        assert _packed(load) == 0
        by_record = _left(load)
    _assert_same(by_text, by_record)
    assert _done(text) == _done(records)


def _assert_same(by_text: dict[str, Any], by_record: dict[str, Any]) -> None:
    for part, left in by_text.items():
        right = by_record[part]
        if part == "ledger":
            assert _by_data_set(left) == _by_data_set(right)
        elif part in {"quarantine", "findings", "book"}:
            assert _without_chunk(left) == _without_chunk(right), part
        else:
            assert left == right, part


def _by_data_set(ledger: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Chunks of text are larger; what they prove in all is the same."""
    found: dict[str, tuple[int, int]] = {}
    for row in ledger:
        records, quarantined = found.get(row["data_set"], (0, 0))
        found[row["data_set"]] = (records + row["records"], quarantined + row["quarantined"])
    return found


def _without_chunk(rows: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    told = [{name: value for name, value in row.items() if name != "chunk"} for row in rows or ()]
    return sorted(told, key=repr)


def test_a_changed_source_is_loaded_again_row_by_row_with_its_book(
    mariadb: PrivateMariadb,
    own_database: DatabaseAddress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text_chunks, "TEXT_ROWS", 60)
    with (
        _shop(mariadb, _rows(5, 300, trouble=0)) as shop,
        _load(own_database, tmp_path, mariadb.url(shop)) as load,
    ):
        first = load.load()
        assert first.exit_code == 0, first.to_json()
        again = load.load()
        assert {name: item.loaded for name, item in again.data_sets.items()} == {"owners": 0, "things": 0}
        assert again.checksums == first.checksums
        assert _packed(load) == 302
        with closing(mariadb.connect(shop)) as connection, connection.cursor() as cursor:
            cursor.execute("UPDATE things SET word = 'anew' ORDER BY id LIMIT 1")
            cursor.execute("DELETE FROM things ORDER BY id DESC LIMIT 1")
        changed = load.load()
        assert changed.exit_code == 0, changed.to_json()
        assert changed.data_sets["things"].loaded == 1
        assert _packed(load) == 2, "the owners alone are still packed"
        assert load.value("SELECT count(*) FROM legacy.things WHERE word = 'anew'") == 1
        lost = load.value("SELECT count(*) FROM engine.legacy_keys WHERE chunk IS NULL")
        assert lost == 1
        assert verify(load.request()).checks["source"]["ok"]


def test_a_changed_row_of_the_target_is_named_and_a_dump_of_the_source_is_the_source(
    mariadb: PrivateMariadb, own_database: DatabaseAddress, tmp_path: Path
) -> None:
    with (
        _shop(mariadb, _rows(6, 200, trouble=0)) as shop,
        _load(own_database, tmp_path, mariadb.url(shop)) as load,
    ):
        assert load.load().exit_code == 0
        dump = tmp_path / "shop.sql"
        command = ["mariadb-dump", "--no-defaults", f"--socket={mariadb.socket}", "--user=root", "--hex-blob"]
        dump.write_bytes(subprocess.run([*command, shop], check=True, capture_output=True).stdout)
        report = verify(load.request(source_override=dump))
        assert all(check["ok"] for check in report.checks.values()), report.checks
        with psycopg.connect(own_database.libpq(Role.SYSTEM)) as connection:
            connection.execute("UPDATE legacy.things SET word = 'ours' WHERE legacy_id = (SELECT min(legacy_id) FROM legacy.things)")  # fmt: skip
        report = verify(load.request())
        assert not report.checks["checksums"]["ok"]
        assert [(each.column, each.found) for each in report.differences] == [("word", "ours")]


def test_workers_stopped_in_the_middle_go_on_where_they_were(
    mariadb: PrivateMariadb, own_database: DatabaseAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_chunks, "TEXT_ROWS", 60)
    with (
        _shop(mariadb, _rows(7, 400, trouble=0.004)) as shop,
        _load(own_database, tmp_path, mariadb.url(shop)) as load,
    ):
        load.load(limit=170, workers=2)
        assert load.value("SELECT count(*) FROM engine.ledger") == 4
        report = load.load(workers=2)
        assert report.exit_code == 0, report.to_json()
        whole = _left(load)
        undo(load.request())
        assert load.value("SELECT count(*) FROM engine.packed_keys") == 0
        load.load(as_text=False)
        assert whole["things"] == _left(load)["things"]


_SQLITE = (
    "CREATE TABLE things (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES owners (id), word TEXT, n INTEGER, price DECIMAL(10,2),"
    " ok BOOLEAN, at DATETIME)"
)
_SQLITE_PLAIN: dict[str, list[object]] = {
    "owner": [1, 2, None],
    "word": ["plain", "", None, "back\\slash \\N", "tab\tnew\nline\r", "été 日本 😀", " \\. ", "NULL", "q'uote", 17],
    "n": [0, -(2**31), 2**31 - 1, None],
    "price": [12.3, 0, -0.01, 6600.37, 100.0, None, 123456789012.25],
    "ok": [0, 1, None],
    "at": ["2024-05-01 12:00:00", "2024-02-29T23:59:59.123456", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999", None],
}  # fmt: skip
_SQLITE_TROUBLE: dict[str, list[object]] = {
    "owner": [77, "one"],
    "word": ["a\0b", b"\x00blob", 1.5],
    "n": [2**40, "many", 7.5, "12"],
    "price": [0.1 + 0.2, 1e22, "dear", 5e-324, "1.5 ", -0.0, float("inf")],
    "ok": [2, "yes", 1.0],
    "at": ["2024-02-30 10:00:00", "2024-05-01 24:00:00", "2024-05-01", "2024-05-01 10:00:00+02:00", 5, "soon", "2024-05-01 10:00:00.1"],
}  # fmt: skip


def _sqlite_rows(seed: int, count: int, *, trouble: float) -> Iterator[tuple[object, ...]]:
    random_ = random.Random(seed)  # noqa: S311 - rows of a test
    for key in random_.sample(range(-3 * count, 3 * count), count):
        chosen = (
            random_.choice((_SQLITE_TROUBLE if random_.random() < trouble else _SQLITE_PLAIN)[name])
            for name in _SQLITE_PLAIN
        )
        yield (key, *chosen)


@pytest.mark.parametrize(("seed", "trouble"), [(1, 0.0), (2, 0.003), (3, 0.3)])
def test_text_of_sqlite_and_its_records_leave_the_same(
    own_database: DatabaseAddress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    trouble: float,
) -> None:
    monkeypatch.setattr(text_chunks, "TEXT_ROWS", 60)
    place = tmp_path / "shop.db"
    with closing(sqlite3.connect(place)) as file:
        file.execute("CREATE TABLE owners (id INTEGER PRIMARY KEY, name TEXT)")
        file.execute("INSERT INTO owners VALUES (1, 'first'), (2, NULL)")
        file.execute(_SQLITE)
        rows = _sqlite_rows(seed, 700, trouble=trouble)
        file.executemany("INSERT INTO things VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        if trouble:
            file.execute(
                "UPDATE things SET word = CAST(x'ff41' AS TEXT) WHERE id = (SELECT max(id) FROM things)"
            )
        file.commit()
    edit = {'"at", Text()': '"at", LocalDate()', "    Text,\n": "    LocalDate,\n    Text,\n"}
    with drafted_load(
        own_database, tmp_path, 'path = "shop.db"', place, "owners", "things", edit=edit
    ) as load:
        load.describe("owners", "things", rules='columns = { "things.at" = "iso" }', more=_WAIVED)
        text = load.load()
        if trouble < 0.1:
            assert _packed(load) > 100, "some chunks went in as text"
        by_text = _left(load)
        assert text.checks["rows"]["ok"], text.to_json()
        assert text.checks["checksums"]["ok"], text.to_json()
        undo(load.request())
        records = load.load(as_text=False)
        by_record = _left(load)
    _assert_same(by_text, by_record)
    assert _done(text) == _done(records)
