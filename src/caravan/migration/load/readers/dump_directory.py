"""Reads what ``mongodump`` writes: a folder of ``COLLECTION.bson[.gz]`` with ``COLLECTION.metadata.json[.gz]``.

The folder may be the dump (one folder per database) or one database. A file name is the percent-encoded name of the
collection; a long one is cut, gets ``%24`` and a hash, and its real name stands in the metadata.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote

from caravan.migration.load.readers.bytestream import Meter, pieces
from caravan.migration.load.readers.collection_files import by_name, choose
from caravan.migration.load.readers.documents import Place, records_of
from caravan.migration.load.readers.errors import SourceDamaged, SourceUnreadable
from caravan.migration.load.readers.framing import frames
from caravan.migration.load.readers.protocol import BrokenRecord, CollectionInfo, Record

__all__ = ["DumpDirectoryReader", "data_files"]

_DATA: Final = (".bson", ".bson.gz")
_METADATA: Final = (".metadata.json", ".metadata.json.gz")
_CUT_NAME: Final = "%24"


class DumpDirectoryReader:
    """``path``: the dump, one database of it, or a single ``.bson[.gz]`` file."""

    format: Literal["bson"] = "bson"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._meter = Meter()
        self._collections = by_name(_info(file) for file in data_files(path))
        if not self._collections:
            raise SourceUnreadable(f"{path} holds no .bson or .bson.gz file")

    def collections(self) -> Mapping[str, CollectionInfo]:
        return self._collections

    def read(self, collection: str) -> Iterator[Record | BrokenRecord]:
        file = choose(self._collections, collection, self._path).files[0]
        self._meter = Meter()
        with Place(file) as place:
            stream = pieces(file, compressed=file.name.endswith(".gz"), meter=self._meter)
            yield from records_of(frames(stream), place)

    def position(self) -> tuple[int, int]:
        return self._meter.consumed, self._meter.total


def data_files(path: Path) -> list[Path]:
    """Return the BSON files of a dump: of the database the folder is, else of every database in it."""
    if path.is_file():
        return [path]
    try:
        return _bson_in(path) or [
            file for folder in sorted(path.iterdir()) if folder.is_dir() for file in _bson_in(folder)
        ]
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror or error}") from error


def _bson_in(folder: Path) -> list[Path]:
    # At the top of a dump lies the oplog, beside the databases: it is no collection of theirs.
    return sorted(
        file
        for file in folder.iterdir()
        if file.name.endswith(_DATA) and not file.name.startswith("oplog.bson")
    )


def _info(file: Path) -> CollectionInfo:
    name = _real_name(file, file.name[: file.name.rindex(".bson")])
    return CollectionInfo(
        name=name, database=file.absolute().parent.name, files=(file,), size=file.stat().st_size
    )


def _real_name(file: Path, stem: str) -> str:
    for suffix in _METADATA:
        metadata = file.with_name(stem + suffix)
        if metadata.is_file():
            return _named_in(metadata) or _name_of(stem)
    if _CUT_NAME in stem:
        raise SourceUnreadable(
            f"{file} has a shortened name, and the metadata file with the real one is missing"
        )
    return _name_of(stem)


def _name_of(stem: str) -> str:
    return unquote(stem)


def _named_in(metadata: Path) -> str | None:
    """Return the name in the metadata; tools before 100 wrote none."""
    try:
        content = metadata.read_bytes()
        described = json.loads(gzip.decompress(content) if metadata.name.endswith(".gz") else content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise SourceDamaged.at(metadata, 0, -1, f"the metadata cannot be read ({error})") from error
    name = described.get("collectionName") if isinstance(described, dict) else None
    return name if isinstance(name, str) else None
