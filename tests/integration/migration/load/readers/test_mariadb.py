# ruff: noqa: S608, ANN401 - statements of a test, on names of its own making
import math
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from caravan.migration.load.readers import BrokenRecord, Record, Rules, SourceUnreadable, decode, open_source
from caravan.migration.load.readers.mariadb import MariadbReader
from tests.fixtures.capabilities import needs
from tests.fixtures.mariadb_server import PrivateMariadb

pytestmark = needs("mariadbd")

_TYPES = """CREATE TABLE kinds (
    id bigint unsigned NOT NULL PRIMARY KEY, tiny tinyint(1), small smallint unsigned, big bigint unsigned,
    amount decimal(38,10), wide double, narrow float, bits bit(17), day date, moment datetime(6), stamp timestamp(6) NULL,
    length time(6), made year, words text CHARACTER SET utf8mb4, old varchar(80) CHARACTER SET latin1,
    raw varbinary(80), pick enum('a','it''s','c,d'), many set('x','y','z'), total bigint GENERATED ALWAYS AS (small + 1) VIRTUAL,
    thing uuid, address inet6
) CHARACTER SET utf8mb4"""
_WRITTEN = (
    "id", "tiny", "small", "big", "amount", "wide", "narrow", "bits", "day", "moment", "stamp", "length", "made", "words",
    "old", "raw", "pick", "many", "thing", "address",
)  # fmt: skip
_LATIN = "".join(
    bytes((byte,)).decode("cp1252") for byte in range(256) if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
)
_NEAR = datetime(1970, 1, 2)  # noqa: DTZ001 - what the column holds
_LATE = datetime(2037, 12, 31)  # noqa: DTZ001 - what the column holds


def _single(value: float) -> bool:
    return math.isfinite(value) and abs(value) < 3.4e38


_ROWS = st.fixed_dictionaries(
    {
        "tiny": st.none() | st.integers(-128, 127),
        "small": st.none() | st.integers(0, 65_535),
        "big": st.none() | st.integers(0, 2**64 - 1),
        "amount": st.none() | st.decimals(min_value=-(10**27), max_value=10**27, places=10),
        "wide": st.none() | st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
        "narrow": st.none()
        | st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False),
        "bits": st.none() | st.integers(0, 2**17 - 1),
        "day": st.none() | st.dates(min_value=date(1000, 1, 1)),
        "moment": st.none() | st.datetimes(min_value=datetime(1000, 1, 1)),  # noqa: DTZ001 - a column without zone
        "stamp": st.none() | st.datetimes(min_value=_NEAR, max_value=_LATE),
        "length": st.none() | st.timedeltas(timedelta(hours=-838), timedelta(hours=838)),
        "made": st.none() | st.integers(1901, 2155),
        "words": st.none() | st.text(st.characters(codec="utf-8"), max_size=40),
        "old": st.none() | st.text(st.sampled_from(_LATIN), max_size=40),
        "raw": st.none() | st.binary(max_size=40),
        "pick": st.none() | st.sampled_from(["a", "it's", "c,d"]),
        "many": st.none() | st.lists(st.sampled_from(["x", "y", "z"]), unique=True).map(sorted),
        "thing": st.none() | st.uuids(version=4),
        "address": st.none() | st.sampled_from(["::1", "2001:db8::5"]),
    }
)
_PHASES = (Phase.explicit, Phase.generate)  # what fails is small already


@pytest.fixture(scope="module")
def server(mariadb: PrivateMariadb) -> PrivateMariadb:
    with closing(mariadb.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS kinds")
        cursor.execute(f"CREATE OR REPLACE TABLE kinds.{_TYPES.split(maxsplit=2)[2]}")
    return mariadb


@pytest.fixture
def database(mariadb: PrivateMariadb) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:12]}"
    _run(mariadb, f"CREATE DATABASE {name}")
    yield name
    _run(mariadb, f"DROP DATABASE {name}")


def _run(server: PrivateMariadb, *statements: str, mode: str = "") -> None:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"SET sql_mode = '{mode}'")
        for statement in statements:
            cursor.execute(statement)


def _write(server: PrivateMariadb, rows: list[dict[str, Any]]) -> None:
    marks = ", ".join(["%s"] * len(_WRITTEN))
    with closing(server.connect("kinds")) as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute("DELETE FROM kinds")
        for number, row in enumerate(rows):
            values = {**row, "id": 2**64 - 1 - number}
            values["many"] = None if row["many"] is None else ",".join(row["many"])
            values["thing"] = None if row["thing"] is None else str(row["thing"])
            # As text: the driver writes doubles with 15 digits and shifts nothing else.
            values["wide"] = None if row["wide"] is None else repr(row["wide"])
            values["narrow"] = None if row["narrow"] is None else repr(row["narrow"])
            values["length"] = None if row["length"] is None else _clock(row["length"])
            cursor.execute(
                f"INSERT INTO kinds ({', '.join(_WRITTEN)}) VALUES ({marks})",
                [values[name] for name in _WRITTEN],
            )


def _clock(value: timedelta) -> str:
    micros = abs(value) // timedelta(microseconds=1)
    seconds, rest = divmod(micros, 1_000_000)
    text = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:06}"
    return f"-{text}" if value < timedelta(0) else text


def _expected(row: dict[str, Any], number: int) -> dict[str, Any]:
    stamp = row["stamp"]
    return {
        **row,
        "id": 2**64 - 1 - number,
        "stamp": None if stamp is None else stamp.replace(tzinfo=UTC),
        "total": None if row["small"] is None else row["small"] + 1,
    }


def _documents(reader: Any, table: str) -> list[dict[str, Any]]:
    found = []
    for record in reader.read(table):
        assert isinstance(record, Record), record
        found.append(decode("row", record.raw))
    return found


@settings(
    max_examples=12,
    deadline=None,
    phases=_PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(_ROWS, min_size=1, max_size=4))
def test_every_type_comes_back_as_it_was_written(server: PrivateMariadb, rows: list[dict[str, Any]]):
    _write(server, rows)
    with closing(MariadbReader(server.url("kinds"))) as reader:
        found = _documents(reader, "kinds")

    expected = [_expected(row, number) for number, row in enumerate(rows)][::-1]
    assert found == expected
    assert [{name: type(value) for name, value in row.items()} for row in found] == [
        {name: type(row[name]) for name in row_found} for row, row_found in zip(expected, found, strict=True)
    ]


@settings(
    max_examples=4, deadline=None, phases=_PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(_ROWS, min_size=1, max_size=4),
    options=st.sampled_from([(), ("--hex-blob",), ("--skip-extended-insert",)]),
)
def test_a_dump_holds_what_the_server_holds(
    server: PrivateMariadb, tmp_path: Path, rows: list[dict[str, Any]], options: tuple[str, ...]
):
    _write(server, [{**row, "narrow": None} for row in rows])
    dump = tmp_path / "kinds.sql"
    _dump(server, "kinds", dump, *options)
    with closing(MariadbReader(server.url("kinds"))) as reader:
        live = _documents(reader, "kinds")

    dumped = _documents(open_source(dump), "kinds")

    for row in [*live, *dumped]:
        row.pop("total", None)  # some versions of the tool leave out what the server computes
    assert dumped == live


def _dump(server: PrivateMariadb, database: str, file: Path, *options: str) -> None:
    with file.open("wb") as out:
        subprocess.run(
            ["mariadb-dump", "--no-defaults", f"--socket={server.socket}", "--user=root", *options, database],
            check=True, stdout=out, timeout=30,
        )  # fmt: skip


def test_odd_values_are_quarantined_with_their_table_key_column_and_reason(
    mariadb: PrivateMariadb, database: str
):
    _run(
        mariadb,
        f"CREATE TABLE {database}.odd (a int, b varchar(9), d date, e enum('x'), t varchar(9) CHARACTER SET utf8mb4,"
        " PRIMARY KEY (a, b))",
        f"INSERT INTO {database}.odd VALUES (1, 'zero', '0000-00-00', 'x', 'ok'), (2, 'part', '2024-00-10', 'x', 'ok'),"
        " (3, 'none', '2024-02-29', 'nothing of it', 'ok'), (4, 'good', '2024-02-29', 'x', 'ok')",
    )
    with closing(MariadbReader(mariadb.url(database))) as reader:
        found = list(reader.read("odd"))

    assert [(type(item), getattr(item, "reason", ""), getattr(item, "field", "")) for item in found] == [
        (BrokenRecord, "date.zero", "d"),
        (BrokenRecord, "date.zero", "d"),
        (BrokenRecord, "enum.not_a_member", "e"),
        (Record, "", ""),
    ]
    broken = found[0]
    assert isinstance(broken, BrokenRecord)
    assert "table odd, row a=1, b='zero', column d" in broken.detail
    assert decode("row", broken.raw)["d"].raw == b"0000-00-00"


def test_a_rule_makes_zero_dates_null(mariadb: PrivateMariadb, database: str):
    _run(
        mariadb,
        f"CREATE TABLE {database}.odd (a int PRIMARY KEY, d date, m datetime)",
        f"INSERT INTO {database}.odd VALUES (1, '0000-00-00', '0000-00-00 00:00:00')",
    )
    with closing(MariadbReader(mariadb.url(database), Rules(zero_dates="null"))) as reader:
        assert _documents(reader, "odd") == [{"a": 1, "d": None, "m": None}]


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ("id int, PRIMARY KEY (id)", "(-3),(-1),(0),(5),(9),(70),(800)"),
        (
            "id varchar(20) COLLATE utf8mb4_general_ci, PRIMARY KEY (id)",
            "('a'),('B'),('ç'),('it''s'),('z'),('日本')",
        ),
        ("id uuid, PRIMARY KEY (id)", "(uuid()),(uuid()),(uuid()),(uuid()),(uuid())"),
        ("id binary(3), PRIMARY KEY (id)", "(0x000102),(0xff0102),(0x7f0102),(0x270102)"),
        ("id int, PRIMARY KEY (id DESC)", "(1),(2),(3)"),
        ("id datetime(3) NOT NULL UNIQUE", "('2024-01-01 00:00:00.5'),('2024-01-02'),('2024-01-03')"),
        ("id int", "(1),(1),(2)"),
    ],
)
def test_ranges_meet_each_row_once(mariadb: PrivateMariadb, database: str, declared: str, values: str):
    _run(
        mariadb,
        f"CREATE TABLE {database}.ranged ({declared}) CHARACTER SET utf8mb4",
        f"INSERT INTO {database}.ranged VALUES {values}",
    )
    with closing(MariadbReader(mariadb.url(database))) as reader:
        whole = [record.raw for record in reader.read("ranged")]
        ranges = reader.ranges("ranged", 3)
        parts = [[record.raw for record in reader.read_range("ranged", each)] for each in ranges]

    assert [raw for part in parts for raw in part] == whole
    assert declared == "id int" or min(map(len, parts)) >= 1
    assert len(ranges) == (1 if declared == "id int" else len(parts))


def test_a_composite_key_is_cut_between_its_parts(mariadb: PrivateMariadb, database: str):
    pairs = ", ".join(f"({a}, '{b}')" for a in (-1, 0, 1) for b in "xyz")
    _run(
        mariadb,
        f"CREATE TABLE {database}.pairs (a int, b varchar(5), PRIMARY KEY (a, b))",
        f"INSERT INTO {database}.pairs VALUES {pairs}",
    )
    with closing(MariadbReader(mariadb.url(database))) as reader:
        parts = [list(reader.read_range("pairs", each)) for each in reader.ranges("pairs", 4)]

    assert [len(part) for part in parts] == [3, 3, 3]


def test_all_reads_see_one_snapshot_whose_place_in_the_log_is_told(mariadb: PrivateMariadb, database: str):
    _run(
        mariadb, f"CREATE TABLE {database}.one (id int PRIMARY KEY)", f"INSERT INTO {database}.one VALUES (1)"
    )
    with closing(MariadbReader(mariadb.url(database))) as reader:
        _run(mariadb, f"INSERT INTO {database}.one VALUES (2)")

        assert _documents(reader, "one") == [{"id": 1}]
        with closing(mariadb.connect(database)) as connection, connection.cursor() as cursor:
            place, _, gtid = reader.snapshot().position.partition(" gtid ")
            file, _, start = place.partition(":")
            cursor.execute(f"SHOW BINLOG EVENTS IN '{file}' FROM {int(start)}")
            later = [str(row[-1]) for row in cursor.fetchall()]
    assert gtid
    assert any("VALUES (2)" in said for said in later)
    assert not any("VALUES (1)" in said for said in later)


def test_a_read_left_half_way_leaves_the_reader_usable(mariadb: PrivateMariadb, database: str):
    _run(
        mariadb,
        f"CREATE TABLE {database}.many (id int PRIMARY KEY)",
        f"INSERT INTO {database}.many SELECT seq FROM {database}.seq_1_to_1000",
    )
    with closing(MariadbReader(mariadb.url(database))) as reader:
        rows = reader.read("many")
        next(rows)
        rows.close()  # type: ignore[attr-defined]

        assert len(_documents(reader, "many")) == 1000


def test_an_unreachable_server_is_named_without_the_password():
    with pytest.raises(SourceUnreadable, match=r"mysql://me@127\.0\.0\.1:1/shop") as raised:
        open_source("mysql://me:secret@127.0.0.1:1/shop")
    assert "secret" not in str(raised.value)


def test_invalid_text_is_refused_or_kept_as_bytes_by_rule(
    mariadb: PrivateMariadb, database: str, tmp_path: Path
):
    _run(
        mariadb,
        f"CREATE TABLE {database}.torn (id int PRIMARY KEY, t varchar(9) CHARACTER SET utf8mb4)",
        f"INSERT INTO {database}.torn VALUES (1, 'good')",
    )
    dump = tmp_path / "torn.sql"
    _dump(mariadb, database, dump)
    dump.write_bytes(
        dump.read_bytes().replace(b"'good'", b"'b\xffd'")
    )  # the server itself no longer lets such bytes in

    (refused,) = open_source(dump).read("torn")
    assert isinstance(refused, BrokenRecord)
    assert (refused.reason, refused.field) == ("text.invalid", "t")
    assert _documents(open_source(dump, rules=Rules(invalid_text="bytes")), "torn") == [
        {"id": 1, "t": b"b\xffd"}
    ]


def test_a_decimal_keeps_its_scale(mariadb: PrivateMariadb, database: str):
    _run(mariadb, f"CREATE TABLE {database}.d (v decimal(9,4))", f"INSERT INTO {database}.d VALUES (1.5)")
    with closing(MariadbReader(mariadb.url(database))) as reader:
        assert str(_documents(reader, "d")[0]["v"]) == str(Decimal("1.5000"))
