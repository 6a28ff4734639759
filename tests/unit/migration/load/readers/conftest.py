from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.binary import Binary
from bson.datetime_ms import DatetimeMS

from caravan.migration.load.writers import JsonForm, write_archive, write_dump_directory, write_extended_json

Document = Mapping[str, Any]
Writer = Callable[[Path, Mapping[str, Iterable[Document]]], Path]


@pytest.fixture
def documents() -> list[dict[str, Any]]:
    """One document per quirk; every format must give them back the same."""
    oid = ObjectId("65a000000000000000000001")
    return [
        {"_id": oid, "text": 'A "quoted" café — قافلة \\ {[', "empty": "", "none": None, "yes": True},
        {"_id": 7, "int": 12, "long": Int64(2**53 + 1), "double": 19.99, "whole": 3.0, "negative": -0.1},
        {"_id": Int64(2**40), "decimal": Decimal128("166.9440"), "text": "19.9900"},
        {
            "_id": "a-b",
            "at": datetime(2010, 12, 1, 8, 26, 0, 123000, tzinfo=UTC),
            "lost": DatetimeMS(-62169984000000),
        },
        {"_id": Binary(bytes(range(16)), 4), "old": Binary(bytes(range(16)), 3), "data": b"\x00\xff"},
        {"_id": 8, "customer": DBRef("customers", oid), "affiliate": DBRef("affiliates", oid, "rps")},
        {"_id": 9, "items": {"0": {"sku": "A"}, "2": {"sku": "B"}}, "list": [1, [2, {}], {"a": []}]},
        {
            "_id": 10,
            "stamp": Timestamp(1291191960, 1),
            "regex": Regex("^a", "i"),
            "min": MinKey(),
            "max": MaxKey(),
        },
    ]


def _dump(compressed: bool) -> Writer:
    def write(folder: Path, collections: Mapping[str, Iterable[Document]]) -> Path:
        write_dump_directory(folder / "rps", "rps", collections, compressed=compressed)
        return folder

    return write


def _archive(compressed: bool) -> Writer:
    def write(folder: Path, collections: Mapping[str, Iterable[Document]]) -> Path:
        write_archive(
            folder / "rps.archive", "rps", collections, compressed=compressed, documents_per_block=2
        )
        return folder / "rps.archive"

    return write


def _json(form: JsonForm, ending: str, array: bool, compressed: bool) -> Writer:
    def write(folder: Path, collections: Mapping[str, Iterable[Document]]) -> Path:
        for name, documents in collections.items():
            write_extended_json(
                folder / f"{name}{ending}", documents, form, array=array, compressed=compressed
            )
        return folder

    return write


WRITERS: dict[str, Writer] = {
    "dump": _dump(compressed=False),
    "dump gzip": _dump(compressed=True),
    "archive": _archive(compressed=False),
    "archive gzip": _archive(compressed=True),
    "relaxed lines": _json("relaxed", ".json", array=False, compressed=False),
    "relaxed array gzip": _json("relaxed", ".json.gz", array=True, compressed=True),
    "canonical lines gzip": _json("canonical", ".jsonl.gz", array=False, compressed=True),
    "canonical array": _json("canonical", ".json", array=True, compressed=False),
    "v1 lines": _json("v1", ".json", array=False, compressed=False),
    "v1 array": _json("v1", ".json", array=True, compressed=False),
}


@pytest.fixture(params=list(WRITERS))
def write(request: pytest.FixtureRequest) -> Writer:
    """Write collections into a folder in one of the formats; return what to open."""
    return WRITERS[request.param]
