"""The way back to RPS: the rows of a record make a document of which the same rows are made, whatever RPS had stored."""

import gzip
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

import bson
import pytest
from bson.codec_options import CodecOptions, DatetimeConversion
from hypothesis import given, settings

from caravan.legacy.rps import mapping
from caravan.migration.mapping.contract import InverseContext, MappingContext, UnmappableError
from caravan.migration.mapping.entity import Entity
from tests.fixtures.inverses import documents_of, known_keys, verified

CONTEXT = MappingContext(UUID(int=1), UUID(int=3), UUID(int=2), timezone="Europe/London")
DUMP = Path(__file__).resolve().parents[4] / "examples" / "rps" / "dump"
OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True, tzinfo=UTC, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
ENTITIES = {name: getattr(mapping, name) for name in mapping.__all__}
RECORDS = 150


def comes_back(entity: Entity, document: dict[str, Any]) -> None:
    try:
        record = entity.map(document, CONTEXT)
    except UnmappableError:
        return
    keys = known_keys(entity, document, CONTEXT)
    found = entity.invert(record.rows, InverseContext(CONTEXT, lambda name, row_id: keys.get((name, row_id))))
    assert verified(entity, entity.map(found, CONTEXT)) == verified(entity, record)


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=list(ENTITIES))
def test_any_document_comes_back_as_one_that_maps_alike(entity: Entity) -> None:
    @settings(max_examples=40)
    @given(documents_of(entity))
    def there_and_back(document: dict[str, Any]) -> None:
        comes_back(entity, document)

    there_and_back()


@pytest.mark.parametrize("name", ENTITIES)
def test_the_sample_comes_back(name: str) -> None:
    for document in sample(name):
        comes_back(ENTITIES[name], document)


def sample(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(DUMP / f"{name}.bson.gz") as file:
        found = bson.decode_file_iter(cast("BinaryIO", file), codec_options=OPTIONS)
        for number, document in enumerate(found):
            if number == RECORDS:
                return
            yield document
