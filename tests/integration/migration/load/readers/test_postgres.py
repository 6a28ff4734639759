# ruff: noqa: S608, ANN401 - statements of a test, on names of its own making
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from caravan.core.database import DatabaseAddress
from caravan.migration.load.readers import BrokenRecord, Record, Rules, SourceUnreadable, decode, open_source
from caravan.migration.load.readers.postgres import PostgresReader

_TYPES = """
CREATE TYPE mood AS ENUM ('sad', 'it''s ok'); CREATE DOMAIN cents AS numeric(30,6) CHECK (VALUE > -1e20);
CREATE DOMAIN fine_cents AS cents;
CREATE TABLE kinds (
    id bigint PRIMARY KEY, small smallint, flag boolean, amount numeric, fixed cents, finer fine_cents, wide double precision,
    narrow real, words text, padded char(5), raw bytea, day date, moment timestamp, instant timestamptz, clock time,
    thing uuid, tree jsonb, feeling mood, numbers integer[], words_list text[], span int4range, net inet, pause interval,
    twice bigint GENERATED ALWAYS AS (small * 2) STORED
)"""
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
_LEAVES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | _TEXT
_ROWS = st.fixed_dictionaries(
    {
        "small": st.none() | st.integers(-(2**14), 2**14 - 1),
        "flag": st.none() | st.booleans(),
        "amount": st.none()
        | st.decimals(allow_nan=False, allow_infinity=True, min_value=None, max_value=None, places=8).filter(
            lambda value: value.is_infinite() or abs(value) < Decimal("1e40")
        )
        | st.just(Decimal("NaN")),
        "fixed": st.none() | st.decimals(min_value=-(10**9), max_value=10**9, places=6),
        "finer": st.none() | st.decimals(min_value=-(10**9), max_value=10**9, places=6),
        "wide": st.none() | st.floats(allow_nan=False),
        "narrow": st.none() | st.floats(allow_nan=False, width=32, allow_subnormal=False),
        "words": st.none() | _TEXT,
        "raw": st.none() | st.binary(max_size=30),
        "day": st.none() | st.dates(),
        "moment": st.none() | st.datetimes(),
        "instant": st.none() | st.datetimes(timezones=st.just(timezone(timedelta(hours=5, minutes=30))),
                                            min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001 - strategies take them so
        "clock": st.none() | st.times(),
        "thing": st.none() | st.uuids(),
        "tree": st.none() | st.dictionaries(_TEXT, _LEAVES | st.lists(_LEAVES, max_size=3), max_size=3),
        "feeling": st.none() | st.sampled_from(["sad", "it's ok"]),
        "numbers": st.none() | st.lists(st.none() | st.integers(-9, 9), min_size=1, max_size=4),
        "words_list": st.none() | st.lists(st.none() | _TEXT, min_size=1, max_size=4),
    }
)  # fmt: skip
_PHASES = (Phase.explicit, Phase.generate)  # what fails is small already


@pytest.fixture(scope="module")
def source(postgres_server: DatabaseAddress) -> Iterator[DatabaseAddress]:
    """A database as somebody else would have it, with none of our tables."""
    name = f"source_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server.libpq(None), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
        _run(postgres_server.named(name), _TYPES)
        yield postgres_server.named(name)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _url(address: DatabaseAddress) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(address.libpq(None))
    host, port = str(parts["host"]), parts.get("port", 5432)
    secret = f":{parts['password']}" if parts.get("password") else ""
    if host.startswith("/"):
        return f"postgresql://{parts['user']}{secret}@/{parts['dbname']}?host={host}&port={port}"
    return f"postgresql://{parts['user']}{secret}@{host}:{port}/{parts['dbname']}"


def _run(address: DatabaseAddress, *statements: str) -> None:
    with psycopg.connect(address.libpq(None), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _write(address: DatabaseAddress, rows: list[dict[str, Any]]) -> None:
    with psycopg.connect(address.libpq(None)) as connection:
        connection.execute("TRUNCATE kinds")
        for number, row in enumerate(rows):
            values = {**row, "id": number, "tree": None if row["tree"] is None else Jsonb(row["tree"])}
            names, marks = ", ".join(values), ", ".join(f"%({name})s" for name in values)
            connection.execute(f"INSERT INTO kinds ({names}) VALUES ({marks})".encode(), values)


def _documents(reader: Any, table: str) -> list[dict[str, Any]]:
    found = []
    for record in reader.read(table):
        assert isinstance(record, Record), record
        found.append(decode("row", record.raw))
    return found


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and (one == other or repr(one) == repr(other))


@settings(
    max_examples=12,
    deadline=None,
    phases=_PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(_ROWS, min_size=1, max_size=4))
def test_every_type_comes_back_as_it_was_written(source: DatabaseAddress, rows: list[dict[str, Any]]):
    _write(source, rows)
    with closing(PostgresReader(_url(source))) as reader:
        found = _documents(reader, "kinds")

    for number, (row, back) in enumerate(zip(rows, found, strict=True)):
        instant = None if row["instant"] is None else row["instant"].astimezone(UTC)
        expected = {
            **row,
            "id": number,
            "instant": instant,
            "twice": None if row["small"] is None else row["small"] * 2,
        }
        assert {name: value for name, value in back.items() if not _same(value, expected.get(name))} == {}


def test_types_without_one_of_our_own_keep_their_text(source: DatabaseAddress):
    _run(
        source,
        "TRUNCATE kinds",
        "INSERT INTO kinds (id, padded, span, net, pause, clock, numbers) VALUES"
        " (1, 'ab', '[1,5)', '10.0.0.0/8', '1 year 2 days 03:00:00', '24:00', '{{1,2},{3,NULL}}')",
    )
    with closing(PostgresReader(_url(source))) as reader:
        (row,) = _documents(reader, "kinds")

    assert {name: row[name] for name in ("padded", "span", "net", "pause", "clock", "numbers")} == {
        "padded": "ab   ", "span": "[1,5)", "net": "10.0.0.0/8", "pause": "P1Y2DT3H", "clock": "24:00:00",
        "numbers": [[1, 2], [3, None]],
    }  # fmt: skip


def test_dates_without_end_are_quarantined_or_null_by_rule(source: DatabaseAddress):
    _run(
        source,
        "TRUNCATE kinds",
        "INSERT INTO kinds (id, day) VALUES (7, 'infinity')",
        "INSERT INTO kinds (id, moment) VALUES (8, '0044-03-15 BC')",
        "INSERT INTO kinds (id, numbers) VALUES (9, '[0:1]={1,2}')",
    )
    with closing(PostgresReader(_url(source))) as reader:
        found = [item for item in reader.read("kinds") if isinstance(item, BrokenRecord)]
    with closing(PostgresReader(_url(source), Rules(infinite_dates="null"))) as reader:
        first = next(reader.read("kinds"))

    assert [(item.reason, item.field) for item in found] == [
        ("date.infinite", "day"), ("date.out_of_range", "moment"), ("array.bounds", "numbers"),
    ]  # fmt: skip
    assert "table kinds, row id=7, column day: infinity" in found[0].detail
    assert isinstance(first, Record)
    assert decode("row", first.raw)["day"] is None


def test_users_of_supabase_come_with_their_password_hashes(source: DatabaseAddress):
    hashed = "$2a$10$abcdefghijklmnopqrstuuJ1xnKZ1P7y7Vq0nY5s1h7Zr9Jx9K2aG"
    _run(
        source,
        "DROP SCHEMA IF EXISTS auth CASCADE",
        "CREATE SCHEMA auth",
        "CREATE TABLE auth.users (instance_id uuid, id uuid PRIMARY KEY, email varchar(255), encrypted_password varchar(255),"
        " email_confirmed_at timestamptz, raw_user_meta_data jsonb, is_sso_user boolean NOT NULL DEFAULT false,"
        " confirmed_at timestamptz GENERATED ALWAYS AS (LEAST(email_confirmed_at, email_confirmed_at)) STORED)",
        "INSERT INTO auth.users (id, email, encrypted_password, email_confirmed_at, raw_user_meta_data) VALUES"
        f" ('7b6c6f6e-0000-4000-8000-000000000001', 'ada@example.test', '{hashed}', '2024-02-29 10:00+02', '{{\"n\": 1.50}}')",
    )
    with closing(open_source(_url(source), "supabase")) as reader:  # type: ignore[type-var]
        assert "auth.users" in reader.collections()
        (user,) = _documents(reader, "auth.users")

    assert (user["email"], user["encrypted_password"]) == ("ada@example.test", hashed)
    assert user["confirmed_at"] == datetime(2024, 2, 29, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("declared", "values", "parts"),
    [
        ("id int PRIMARY KEY", "(-3),(-1),(0),(5),(9),(70)", 3),
        ("id text PRIMARY KEY", "('a'),('B'),('it''s'),('日本'),('z\\'),('')", 3),
        ("id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int", "(DEFAULT,1),(DEFAULT,2),(DEFAULT,3)", 3),
        ("a int, b text, PRIMARY KEY (a, b)", "(1,'x'),(1,'y'),(2,'x'),(2,'y')", 2),
        ("id timestamptz NOT NULL UNIQUE", "('2024-01-01'),('2024-01-02'),('2024-01-03')", 3),
        ("id int", "(1),(1),(2)", 1),
    ],
)
def test_ranges_meet_each_row_once(source: DatabaseAddress, declared: str, values: str, parts: int):
    _run(
        source,
        "DROP TABLE IF EXISTS ranged",
        f"CREATE TABLE ranged ({declared})",
        f"INSERT INTO ranged VALUES {values}",
    )
    with closing(PostgresReader(_url(source))) as reader:
        whole = [record.raw for record in reader.read("ranged")]
        found = [
            [record.raw for record in reader.read_range("ranged", each)]
            for each in reader.ranges("ranged", parts)
        ]

    assert [raw for part in found for raw in part] == whole
    assert len(found) == parts
    assert min(map(len, found)) >= 1


def test_all_reads_see_one_snapshot_which_others_may_join(source: DatabaseAddress):
    _run(
        source,
        "DROP TABLE IF EXISTS one",
        "CREATE TABLE one (id int PRIMARY KEY)",
        "INSERT INTO one VALUES (1)",
    )
    with closing(PostgresReader(_url(source))) as reader:
        _run(source, "INSERT INTO one VALUES (2)")
        with closing(PostgresReader(_url(source), snapshot=reader.snapshot().exported)) as second:
            assert _documents(second, "one") == [{"id": 1}]
        rows = reader.read("one")
        next(rows)
        rows.close()  # type: ignore[attr-defined]
        assert _documents(reader, "one") == [{"id": 1}]
        assert "/" in reader.snapshot().position


def test_rows_hidden_by_row_level_security_are_an_error_not_a_part(source: DatabaseAddress):
    role = f"reader_{uuid.uuid4().hex[:8]}"
    _run(
        source,
        "DROP TABLE IF EXISTS hidden", "CREATE TABLE hidden (id int PRIMARY KEY)", "ALTER TABLE hidden ENABLE ROW LEVEL SECURITY",
        f"CREATE ROLE {role} LOGIN PASSWORD 'x'", f"GRANT SELECT ON hidden TO {role}",
    )  # fmt: skip
    try:
        parts = psycopg.conninfo.conninfo_to_dict(_url(source))
        place = (
            f"postgresql://{role}:x@/{parts['dbname']}?host={parts['host']}&port={parts.get('port', 5432)}"
        )
        with closing(PostgresReader(place)) as reader, pytest.raises(Exception, match="row-level security"):
            list(reader.read("hidden"))
    finally:
        _run(source, "DROP TABLE hidden", f"DROP ROLE {role}")


def test_an_unreachable_server_is_named_without_the_password():
    with pytest.raises(SourceUnreadable, match=r"postgresql://me@127\.0\.0\.1:1/shop") as raised:
        open_source("postgresql://me:secret@127.0.0.1:1/shop")
    assert "secret" not in str(raised.value)
