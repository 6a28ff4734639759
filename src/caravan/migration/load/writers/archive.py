"""Writes a ``mongodump --archive`` of one database, its collections interleaved (layout: ``readers.archive``)."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

import bson
from fastcrc import crc64

from caravan.migration.load.readers.archive import ARCHIVE_MAGIC
from caravan.migration.load.writers.metadata import metadata_of
from caravan.migration.load.writers.steady_gzip import Sink, written

__all__ = ["write_archive"]

_TERMINATOR: Final = b"\xff\xff\xff\xff"
_SIGN: Final = 2**63


def write_archive(
    path: Path,
    database: str,
    collections: Mapping[str, Iterable[Mapping[str, Any] | bytes]],
    *,
    compressed: bool = True,
    documents_per_block: int = 1000,
) -> None:
    """Write the collections in turns of ``documents_per_block``; a document may be BSON bytes already."""
    with written(path, compressed=compressed) as file:
        _write_prelude(file, database, list(collections))
        rest = {name: _Namespace(database, name, documents) for name, documents in collections.items()}
        while rest:
            for name, namespace in list(rest.items()):
                if not namespace.write_block(file, documents_per_block):
                    namespace.write_end(file)
                    del rest[name]


def _write_prelude(file: Sink, database: str, names: list[str]) -> None:
    file.write(ARCHIVE_MAGIC)
    file.write(
        bson.encode(
            {
                "concurrent_collections": len(names),
                "version": "0.1",
                "server_version": "6.0.0",
                "tool_version": "100.9.0",
            }
        )
    )
    for name in names:
        described = {
            "db": database,
            "collection": name,
            "metadata": metadata_of(database, name),
            "size": 0,
            "type": "",
        }
        file.write(bson.encode(described))
    file.write(_TERMINATOR)


class _Namespace:
    """One collection on its way into the archive, with the CRC of what was written."""

    def __init__(self, database: str, name: str, documents: Iterable[Mapping[str, Any] | bytes]) -> None:
        self._database, self._name = database, name
        self._documents: Iterator[Mapping[str, Any] | bytes] = iter(documents)
        self._crc: int = crc64.xz(b"")

    def write_block(self, file: Sink, limit: int) -> bool:
        """Write the next documents; return whether there were any."""
        block = list(islice(self._documents, limit))
        if block:
            file.write(self._header(ends=False, crc=0))
            for document in block:
                raw = document if isinstance(document, bytes) else bson.encode(document)
                self._crc = crc64.xz(raw, self._crc)
                file.write(raw)
            file.write(_TERMINATOR)
        return bool(block)

    def write_end(self, file: Sink) -> None:
        signed = self._crc - 2 * _SIGN if self._crc >= _SIGN else self._crc
        file.write(self._header(ends=True, crc=signed) + _TERMINATOR)

    def _header(self, *, ends: bool, crc: int) -> bytes:
        return bson.encode(
            {"db": self._database, "collection": self._name, "EOF": ends, "CRC": bson.Int64(crc)}
        )
