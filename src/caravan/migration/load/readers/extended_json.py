"""Reads what ``mongoexport`` writes: Extended JSON of any version in ``COLLECTION.json`` or ``.jsonl``, also ``.gz``.

``ijson`` is not used here: it gives values, and quarantine, exact numbers and the shell forms of version 1 need the
original bytes of each document.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from caravan.migration.load.readers.bytestream import GZIP_MAGIC, Meter, pieces
from caravan.migration.load.readers.collection_files import by_name, choose
from caravan.migration.load.readers.documents import Place
from caravan.migration.load.readers.errors import SourceUnreadable
from caravan.migration.load.readers.json_structure import MAX_TEXT, Text
from caravan.migration.load.readers.json_text import texts
from caravan.migration.load.readers.protocol import KEPT_OF_BROKEN, BrokenRecord, CollectionInfo, Record

__all__ = ["ExtendedJsonReader", "json_files"]

_ENDINGS: Final = (".json", ".jsonl", ".ndjson")
_METADATA: Final = ".metadata.json"


class ExtendedJsonReader:
    """``path``: a folder of files named after their collections, or one file."""

    format: Literal["ejson"] = "ejson"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._meter = Meter()
        self._collections = by_name(_info(file) for file in json_files(path))
        if not self._collections:
            raise SourceUnreadable(f"{path} holds no .json, .jsonl or .ndjson file")

    def collections(self) -> Mapping[str, CollectionInfo]:
        return self._collections

    def read(self, collection: str) -> Iterator[Record | BrokenRecord]:
        file = choose(self._collections, collection, self._path).files[0]
        self._meter = Meter()
        with Place(file) as place:
            with file.open("rb") as head:
                compressed = head.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            found = texts(pieces(file, compressed=compressed, meter=self._meter))
            for ordinal, text in enumerate(found):
                record = _record(ordinal, text)
                if type(record) is Record:
                    place.last_good = ordinal
                yield record

    def position(self) -> tuple[int, int]:
        return self._meter.consumed, self._meter.total


def json_files(path: Path) -> list[Path]:
    """Return the Extended JSON files of a folder, or the one file."""
    if path.is_file():
        return [path]
    try:
        return sorted(file for file in path.iterdir() if file.is_file() and _stem(file.name) is not None)
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror or error}") from error


def _stem(name: str) -> str | None:
    plain = name.removesuffix(".gz")
    if plain.endswith(_METADATA):
        return None
    return next((plain.removesuffix(ending) for ending in _ENDINGS if plain.endswith(ending)), None)


def _info(file: Path) -> CollectionInfo:
    name = _stem(file.name) or file.name
    return CollectionInfo(
        name=name, database=file.absolute().parent.name, files=(file,), size=file.stat().st_size
    )


def _record(ordinal: int, text: Text) -> Record | BrokenRecord:
    offset, size, raw = text
    if size > MAX_TEXT:
        return BrokenRecord(
            ordinal, offset, raw, "record.too_large", f"{size} bytes, at most {MAX_TEXT} are read"
        )
    if raw.startswith(b"{") and raw.endswith(b"}"):
        return Record(ordinal, offset, raw)
    return BrokenRecord(
        ordinal, offset, raw[:KEPT_OF_BROKEN], "record.not_json", "this is not a JSON document"
    )
