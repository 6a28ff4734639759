# ruff: noqa: S608 - statements of a test, on names of its own making
"""A whole load from PostgreSQL, live and from a plain dump, with the users of Supabase, through the mapping that the scaffold drafts."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.core.embedded.binaries import find_postgres
from caravan.core.ids import legacy_id, source_namespace
from tests.fixtures.databases import fresh_copy
from tests.fixtures.source_loads import DraftedLoad, drafted_load
from tests.fixtures.toy.shop import ORG

USER = UUID("7b6c6f6e-0000-4000-8000-000000000001")
HASH = "$2a$10$abcdefghijklmnopqrstuuJ1xnKZ1P7y7Vq0nY5s1h7Zr9Jx9K2aG"
_TABLES = (
    "CREATE SCHEMA auth",
    ("CREATE TABLE auth.users (id uuid PRIMARY KEY, email varchar(255), encrypted_password varchar(255), email_confirmed_at timestamptz,"
    " raw_user_meta_data jsonb, is_sso_user boolean NOT NULL DEFAULT false,"
    " confirmed_at timestamptz GENERATED ALWAYS AS (email_confirmed_at) STORED)"),
    "CREATE TYPE mood AS ENUM ('sad', 'it''s')",
    "CREATE DOMAIN cents AS numeric(12,2)",
    ("CREATE TABLE things (a int, b text, owner uuid REFERENCES auth.users, mood mood, price cents, much numeric, wide float8,"
    " narrow real, ok boolean, doc jsonb, born date, at timestamp, stamp timestamptz, clock time, raw bytea, words text[], net inet,"
    " twice numeric GENERATED ALWAYS AS (price * 2) STORED, PRIMARY KEY (a, b))"),
    "CREATE TABLE loose (word text, n bigint)",
    (f"INSERT INTO auth.users (id, email, encrypted_password, email_confirmed_at, raw_user_meta_data) VALUES"
    f" ('{USER}', 'ada@example.test', '{HASH}', '2024-02-29 10:00+02', '{{\"n\": 1.50}}')"),
    (f"INSERT INTO things VALUES (-1, 'a:b,c', '{USER}', 'it''s', 12.30, 123456789012345678901234567890.000001, 'NaN', 0.1, true,"
    " '{\"big\": 12345678901234567890.10}', '2024-02-29', '2024-05-01 12:00:00.000001', '2024-05-01 12:00+02', '23:59:59.5',"
    " '\\x00ff', '{a,NULL,\"c,d\"}', '10.0.0.1/8'), (0, '', NULL, NULL, NULL, NULL, 1e308, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    " '', '{}', NULL), (1, 'late', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'infinity', NULL, NULL, NULL, NULL, NULL, NULL),"
    " (2, 'nan', NULL, NULL, NULL, 'NaN', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"),
    "INSERT INTO loose VALUES ('x', 9223372036854775807), ('x', 9223372036854775807), (NULL, NULL)",
)  # fmt: skip
_WAIVED = "".join(
    f'[[waivers]]\nclass = "{name}"\nowner = "o"\nreason = "r"\n'
    for name in ("date.infinite", "key.repeated", "number.not_a_number")
)
_EMPTY = dict.fromkeys(
    ("owner", "mood", "price", "much", "wide", "narrow", "ok", "doc", "born", "at", "stamp", "clock", "raw", "words", "net", "extra")
)  # fmt: skip


@pytest.fixture(params=["postgresql", "dump", "supabase"])
def load(
    request: pytest.FixtureRequest,
    postgres_server: DatabaseAddress,
    own_database: DatabaseAddress,
    tmp_path: Path,
) -> Iterator[DraftedLoad]:
    with fresh_copy(postgres_server, "template0") as source:
        with psycopg.connect(source.libpq(None), autocommit=True) as connection:
            for statement in _TABLES:
                connection.execute(statement.encode())
        place: Path | str = source.libpq(None)
        written = f"url = '{place}'\nkind = \"{request.param}\""
        if request.param == "dump":
            place = tmp_path / "shop.sql"
            subprocess.run(
                [find_postgres().folder / "pg_dump", "--no-owner", "-f", place, source.libpq(None)],
                check=True,
            )
            written = 'path = "shop.sql"'
        with drafted_load(
            own_database,
            tmp_path,
            written,
            place,
            "auth.users",
            "things",
            "loose",
            edit=_edits(request.param),
        ) as found:
            found.describe("auth.users", "things", "loose", rules='timezone = "Europe/Paris"', more=_WAIVED)
            yield found


def _edits(kind: str) -> dict[str, str]:
    """What a person adds to the draft of a dump, in which foreign keys and enumerations are not read."""
    if kind != "dump":
        return {}
    return {
        '"owner", Uuid()': '"owner", ForeignKey("auth_users", "legacy.auth_users")',
        "    Float,\n": "    Float,\n    ForeignKey,\n",
    }


def _expected() -> list[dict[str, Any]]:
    owner = legacy_id(source_namespace("old", ORG), "auth_users", "u", str(USER))
    return [
        {
            "a": -1, "b": "a:b,c", "owner": owner, "mood": "it's", "price": Decimal("12.30"),
            "much": Decimal("123456789012345678901234567890.000001"), "wide": "NaN", "narrow": 0.10000000149011612, "ok": True,
            "doc": {"big": 12345678901234567000.0}, "born": date(2024, 2, 29), "at": datetime(2024, 5, 1, 10, 0, 0, 1, UTC),
            "stamp": datetime(2024, 5, 1, 10, tzinfo=UTC), "clock": "23:59:59.5", "raw": b"\x00\xff", "words": ["a", None, "c,d"],
            "net": "10.0.0.1/8", "extra": None,
        },
        {**_EMPTY, "a": 0, "b": "", "wide": 1e308, "raw": b"", "words": []},
    ]  # fmt: skip


def test_every_value_arrives_and_what_must_not_is_put_away_by_rule(load: DraftedLoad) -> None:
    report = load.load()
    assert report.exit_code == 0, report.to_json()
    found = load.rows("things", "a, b")
    found[0]["wide"] = repr(found[0]["wide"]).replace("nan", "NaN")
    assert found == _expected()
    assert load.value("SELECT doc->>'big' FROM legacy.things WHERE a = -1") == "12345678901234567890.10"
    assert sorted(row["n"] or 0 for row in load.rows("loose")) == [0, 2**63 - 1]
    quarantined = sorted(item["class"] for item in report.as_json()["quarantine"])
    assert quarantined == ["date.infinite", "key.repeated", "number.not_a_number"]


def test_users_keep_their_password_hashes(load: DraftedLoad) -> None:
    load.load()
    (user,) = load.rows("auth_users")
    assert user == {
        "legacy_id": USER,
        "email": "ada@example.test",
        "encrypted_password": HASH,
        "email_confirmed_at": datetime(2024, 2, 29, 8, tzinfo=UTC),
        "raw_user_meta_data": {"n": 1.5},
        "is_sso_user": False,
        "extra": None,
    }


def test_a_second_load_changes_nothing_and_a_stopped_one_goes_on(load: DraftedLoad) -> None:
    assert load.load(limit=1).data_sets["things"].loaded == 1
    first = load.load()
    assert first.exit_code == 0, first.to_json()
    again = load.load()
    assert {name: (each.loaded, each.quarantined) for name, each in again.data_sets.items()} == {
        "auth.users": (0, 0),
        "things": (0, 2),
        "loose": (0, 1),
    }
    assert again.checksums == first.checksums
