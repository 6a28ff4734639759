"""Writes a ``mongodump`` folder of one database."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha1
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import bson

from caravan.migration.load.writers.metadata import metadata_of
from caravan.migration.load.writers.steady_gzip import written

__all__ = ["write_dump_directory"]

_LONGEST_NAME: Final = 238  # bytes: a file name has 255, the longest ending takes the rest
_KEPT_OF_NAME: Final = 208


def write_dump_directory(
    folder: Path,
    database: str,
    collections: Mapping[str, Iterable[Mapping[str, Any] | bytes]],
    *,
    compressed: bool = True,
) -> list[Path]:
    """Write ``COLLECTION.bson[.gz]`` and its metadata per collection; a document may be BSON bytes already."""
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for name, documents in collections.items():
        stem = _file_name(name)
        data = folder / f"{stem}.bson{'.gz' if compressed else ''}"
        with written(data, compressed=compressed) as file:
            for document in documents:
                file.write(document if isinstance(document, bytes) else bson.encode(document))
        metadata = folder / f"{stem}.metadata.json"
        metadata.write_text(metadata_of(database, name), encoding="utf-8")
        files += [data, metadata]
    return files


def _file_name(collection: str) -> str:
    escaped = quote(collection, safe="$-_.+!*'(), @&=:;")
    if len(escaped) <= _LONGEST_NAME:
        return escaped
    digest = urlsafe_b64encode(sha1(collection.encode(), usedforsecurity=False).digest()).decode().rstrip("=")
    return f"{escaped[:_KEPT_OF_NAME]}%24{digest}"
