"""A whole load from MongoDB, live and from a dump, through the mapping that the scaffold drafts."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import Binary, DBRef, Decimal128, Int64, ObjectId

from caravan.core.database import DatabaseAddress
from caravan.core.ids import legacy_id, source_namespace
from tests.fixtures.capabilities import needs
from tests.fixtures.mongodb_server import PrivateMongodb
from tests.fixtures.source_loads import DraftedLoad, drafted_load
from tests.fixtures.toy.shop import ORG

ADA = ObjectId("507f1f77bcf86cd799439011")
NAMESPACE = source_namespace("old", ORG)
OWNERS: list[dict[str, Any]] = [{"_id": ADA, "name": "Ada"}, {"_id": 5, "name": None}]
THINGS: list[dict[str, Any]] = [
    {"_id": 1, "owner": DBRef("owners", ADA), "n": Int64(2**62), "at": datetime(2024, 5, 1, 12, tzinfo=UTC), "price": 1.5},
    {"_id": "1", "owner": DBRef("owners", 5), "price": Decimal128("1.10"), "tags": [1, {"a": None}], "code": Binary(bytes(16), 4)},
    {"_id": Binary(bytes(15) + b"\x01", 4), "owner": DBRef("owners", ObjectId(bytes(12))), "price": 7, "later": {"x": Int64(1)}},
    {"_id": {"a": 1}, "price": 1},
]  # fmt: skip


def _live(server: PrivateMongodb) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:12]}"
    with server.connect() as client:
        client[name].owners.insert_many(OWNERS)
        client[name].things.insert_many(THINGS)
        yield f'url = "{server.url(name)}"'
        client.drop_database(name)


def _dumped(folder: Path) -> Iterator[str]:
    (folder / "dump" / "shop").mkdir(parents=True)
    for name, documents in (("owners", OWNERS), ("things", THINGS)):
        (folder / "dump" / "shop" / f"{name}.bson").write_bytes(b"".join(map(bson.encode, documents)))
    yield 'path = "dump"'


@pytest.fixture(params=[pytest.param("live", marks=needs("mongodb_server")), "dump"])
def load(
    request: pytest.FixtureRequest, own_database: DatabaseAddress, tmp_path: Path
) -> Iterator[DraftedLoad]:
    live = request.param == "live"
    for source in _live(request.getfixturevalue("mongodb_server")) if live else _dumped(tmp_path):
        place = source.split('"')[1] if live else tmp_path / "dump"
        with drafted_load(own_database, tmp_path, source, place, "owners", "things") as found:  # fmt: skip
            found.describe(
                "owners", "things", more='[[waivers]]\nclass = "key.not_a_key"\nowner = "o"\nreason = "r"\n'
            )
            yield found


def test_every_value_arrives_and_loads_again_change_nothing(load: DraftedLoad) -> None:
    assert load.load(limit=1).data_sets["things"].loaded == 1
    report = load.load()
    assert report.exit_code == 0, report.to_json()
    assert [item["class"] for item in report.as_json()["quarantine"]] == ["key.not_a_key"]
    assert [item["class"] for item in report.as_json()["findings"]] == ["reference.missing"]
    assert load.rows("things", "price") == [
        {**_EMPTY, "owner": legacy_id(NAMESPACE, "owners", "i", "5"), "price": Decimal("1.10"), "tags": [1, {"a": None}], "code": uuid.UUID(int=0)},
        {**_EMPTY, "owner": legacy_id(NAMESPACE, "owners", "o", str(ADA)), "n": 2**62, "at": datetime(2024, 5, 1, 12, tzinfo=UTC), "price": Decimal("1.5")},
        {**_EMPTY, "price": Decimal(7), "later": {"x": 1}},
    ]  # fmt: skip
    again = load.load()
    assert {name: each.loaded for name, each in again.data_sets.items()} == {"owners": 0, "things": 0}
    assert again.checksums == report.checksums


_EMPTY = dict.fromkeys(("owner", "n", "at", "price", "tags", "code", "later", "extra"))
