"""A whole load from MariaDB, live and from a dump of the same tables, through the mapping that the scaffold drafts."""

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from caravan.core.database import DatabaseAddress
from caravan.core.ids import legacy_id, source_namespace
from caravan.migration.load import LoadReport
from tests.fixtures.capabilities import needs
from tests.fixtures.mariadb_server import PrivateMariadb
from tests.fixtures.source_loads import DraftedLoad, drafted_load
from tests.fixtures.toy.shop import ORG

pytestmark = needs("mariadbd")

_TABLES = (
    "CREATE TABLE owners (code varchar(8) CHARACTER SET latin1 COLLATE latin1_swedish_ci PRIMARY KEY, name varchar(20))",
    (
        "CREATE TABLE things (id bigint unsigned, part smallint, owner varchar(8) CHARACTER SET latin1 COLLATE latin1_swedish_ci,"
        " big bigint unsigned, flag tinyint(1), state enum('new','it''s'), tags set('x','y'), doc json, bits bit(3), one bit(1),"
        " total decimal(12,3), twice decimal(13,3) GENERATED ALWAYS AS (total * 2) VIRTUAL, born date, at datetime(6),"
        " stamp timestamp(3) NULL, length time, made year, raw varbinary(9), ratio double, words varchar(40),"
        " PRIMARY KEY (id, part), FOREIGN KEY (owner) REFERENCES owners (code)) CHARACTER SET utf8mb4"
    ),
    "CREATE TABLE words (word varchar(10), n int)",
)
_ROWS = (
    "INSERT INTO owners VALUES ('Zoé', 'first'), ('b', NULL)",
    (
        "INSERT INTO things (id, part, owner, big, flag, state, tags, doc, bits, one, total, born, at, stamp, length, made, raw, ratio, words)"
        " VALUES (18446744073709551615, -1, 'Zoé', 18446744073709551614, 2, 'it''s', 'x,y', '{\"n\": 1.50, \"é\": [null]}', b'101', b'1',"
        " -12.340, '2024-02-29', '2024-05-01 12:00:00.000001', '2024-05-01 10:00:00.5', '-838:59:59', 2155, x'00ff', 0.1, 'été 日本'),"
        " (7, 0, NULL, 0, 0, 'new', '', NULL, b'0', b'0', 0, '0001-01-01', '2024-10-27 02:30:00', NULL, '00:00:00', 1901, '', 1e308, ''),"
        " (7, 1, 'ZOÉ', 1, 1, NULL, NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
        " (8, 0, NULL, 1, 1, 'new', '', NULL, NULL, NULL, NULL, '0000-00-00', NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
    ),
    "INSERT INTO words VALUES ('same', 1), ('same', 1), ('Same', 1), (NULL, NULL)",
)
_NAMESPACE = source_namespace("old", ORG)
_WAIVED = "".join(
    f'[[waivers]]\nclass = "{name}"\nowner = "o"\nreason = "r"\n' for name in ("date.zero", "key.repeated")
)
_EMPTY = dict.fromkeys(
    ("big", "flag", "state", "tags", "doc", "bits", "one", "total", "born", "at", "stamp", "length", "made", "raw", "ratio", "words", "extra")
)  # fmt: skip


def _expected() -> list[dict[str, Any]]:
    zoe = legacy_id(_NAMESPACE, "owners", "s", "Zoé")
    return [
        {
            **_EMPTY, "legacy_id": Decimal(7), "part": 0, "owner": None, "big": Decimal(0), "flag": 0, "state": "new", "tags": [],
            "bits": 0, "one": False, "total": Decimal(0), "born": date(1, 1, 1), "at": datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
            "length": "00:00:00", "made": 1901, "raw": b"", "ratio": 1e308, "words": "",
            "extra": {"_original": {"at": {"$datetime": "2024-10-27T02:30:00"}}},
        },
        {**_EMPTY, "legacy_id": Decimal(7), "part": 1, "owner": None, "big": Decimal(1), "flag": 1, "doc": 3},
        {
            "legacy_id": Decimal(2**64 - 1), "part": -1, "owner": zoe, "big": Decimal(2**64 - 2), "flag": 2, "state": "it's",
            "tags": ["x", "y"], "doc": {"n": 1.5, "é": [None]}, "bits": 5, "one": True, "total": Decimal("-12.340"),
            "born": date(2024, 2, 29), "at": datetime(2024, 5, 1, 10, 0, 0, 1, UTC), "stamp": datetime(2024, 5, 1, 10, 0, 0, 500_000, UTC),
            "length": "-838:59:59", "made": 2155, "raw": b"\x00\xff", "ratio": 0.1, "words": "été 日本", "extra": None,
        },
    ]  # fmt: skip


@pytest.fixture
def shop(mariadb: PrivateMariadb) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:12]}"
    with closing(mariadb.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = '', time_zone = '+00:00'")
        for statement in (f"CREATE DATABASE {name}", f"USE {name}", *_TABLES, *_ROWS):
            cursor.execute(statement)
        yield name
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture(params=["live", "dump"])
def load(
    request: pytest.FixtureRequest,
    mariadb: PrivateMariadb,
    shop: str,
    own_database: DatabaseAddress,
    tmp_path: Path,
) -> Iterator[DraftedLoad]:
    place: Path | str = mariadb.url(shop)
    source = f'url = "{place}"'
    if request.param == "dump":
        place = tmp_path / "shop.sql"
        command = [
            "mariadb-dump",
            "--no-defaults",
            f"--socket={mariadb.socket}",
            "--user=root",
            "--hex-blob",
            shop,
        ]
        place.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
        source = 'path = "shop.sql"'
    edit = {'"doc", Text()': '"doc", JsonText()', "    Text,\n": "    JsonText,\n    Text,\n"}
    if request.param == "dump":  # a dump tells no foreign keys
        edit |= {
            '"owner", Text()': '"owner", ForeignKey("owners", "legacy.owners")',
            "    Float,\n": "    Float,\n    ForeignKey,\n",
        }
    with drafted_load(own_database, tmp_path, source, place, "owners", "things", "words", edit=edit) as found:
        found.describe("owners", "things", "words", rules='timezone = "Europe/Paris"', more=_WAIVED)
        yield found


def test_every_value_arrives_and_what_must_not_is_put_away_by_rule(load: DraftedLoad) -> None:
    report = load.load()
    assert report.exit_code == 0, report.to_json()
    assert load.rows("things", "legacy_id, part") == _expected()
    assert [row["name"] for row in load.rows("owners", "code")] == [None, "first"] or len(
        load.rows("owners")
    ) == 2
    assert sorted(row["word"] or "" for row in load.rows("words")) == ["", "Same", "same"]
    assert _classes(report, "quarantine") == ["date.zero", "key.repeated"]
    assert _classes(report, "findings") == ["date.ambiguous", "reference.missing"]


def test_a_second_load_changes_nothing_and_a_stopped_one_goes_on(load: DraftedLoad) -> None:
    stopped = load.load(limit=1)
    assert stopped.data_sets["things"].loaded == 1
    first = load.load()
    assert first.exit_code == 0, first.to_json()
    assert len(load.rows("things")) == 3
    again = load.load()
    assert {name: (each.loaded, each.quarantined) for name, each in again.data_sets.items()} == {
        "owners": (0, 0),
        "things": (0, 1),
        "words": (0, 1),
    }
    assert again.checksums == first.checksums


def test_a_rule_for_zero_dates_brings_the_row_that_was_refused(load: DraftedLoad) -> None:
    load.load()
    load.describe(
        "owners", "things", "words", rules='timezone = "Europe/Paris"\nzero_dates = "null"', more=_WAIVED
    )
    report = load.load()
    assert report.exit_code == 0, report.to_json()
    assert [(row["legacy_id"], row["born"]) for row in load.rows("things", "legacy_id, part")][2] == (8, None)


def _classes(report: LoadReport, part: str) -> list[str]:
    return sorted(item["class"] for item in report.as_json()[part])
