"""Reads ``mongodump --archive``: one stream that interleaves the documents of all collections.

Layout: the magic number; a header document; one metadata document per collection; a terminator; then blocks of a
namespace header, documents and a terminator. The last block of a namespace says EOF and carries the CRC-64 (xz) of all
its documents (https://github.com/mongodb/mongo-tools, ``common/archive``). With ``--gzip`` the whole stream is gzipped.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal

import bson
from bson.errors import BSONError
from fastcrc import crc64

from caravan.migration.load.readers.bytestream import GZIP_MAGIC, Meter, StreamDamagedError, pieces
from caravan.migration.load.readers.collection_files import by_name, choose
from caravan.migration.load.readers.documents import Place, record_of
from caravan.migration.load.readers.framing import TERMINATOR, Frame, frames, is_whole
from caravan.migration.load.readers.protocol import BrokenRecord, CollectionInfo, Record

__all__ = ["ARCHIVE_MAGIC", "ArchiveReader"]

ARCHIVE_MAGIC: Final = b"\x6d\xe2\x99\x81"
_UNSIGNED: Final = 2**64 - 1  # Go writes the CRC as a signed int64


class ArchiveReader:
    """Each ``read`` goes through the stream until the collection has ended."""

    format: Literal["bson"] = "bson"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._meter = Meter()
        with Place(path):
            self._collections = by_name(_prelude(self._frames(_Checksum()), path))

    def collections(self) -> Mapping[str, CollectionInfo]:
        return self._collections

    def read(self, collection: str) -> Iterator[Record | BrokenRecord]:
        info = choose(self._collections, collection, self._path)
        with Place(self._path) as place:
            checksum = _Checksum()
            stream = self._frames(checksum)
            for _ in _prelude(stream, self._path):
                pass
            for record in _records(stream, info, checksum):
                if type(record) is Record:
                    place.last_good = record.ordinal
                yield record

    def position(self) -> tuple[int, int]:
        return self._meter.consumed, self._meter.total

    def _frames(self, checksum: "_Checksum") -> Iterator[Frame]:
        self._meter = Meter()
        with self._path.open("rb") as file:
            compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        stream = pieces(self._path, compressed=compressed, meter=self._meter)
        first = b""
        while len(first) < len(ARCHIVE_MAGIC):
            if (piece := next(stream, None)) is None:
                raise StreamDamagedError("the data ends inside the magic number")
            first += piece
        if not first.startswith(ARCHIVE_MAGIC):
            raise StreamDamagedError("this is not the magic number of an archive")
        rest = chain((first[len(ARCHIVE_MAGIC) :],), stream)
        return frames(rest, start=len(ARCHIVE_MAGIC), oversize=checksum.add)


class _Checksum:
    """CRC-64 over the documents of one namespace, while ``counting``."""

    def __init__(self) -> None:
        self.counting = False
        self.value: int = crc64.xz(b"")

    def add(self, piece: bytes) -> None:
        if self.counting:
            self.value = crc64.xz(piece, self.value)


@dataclass(frozen=True, slots=True)
class _Block:
    """The header of a block; ``crc`` counts where the collection ends."""

    offset: int
    database: str
    collection: str
    ends: bool
    crc: int


def _prelude(stream: Iterator[Frame], path: Path) -> Iterator[CollectionInfo]:
    """Yield the collections the archive says it holds; views and the oplog hold no documents of their own."""
    header = _content(next(stream, None))
    if "concurrent_collections" not in header:
        raise StreamDamagedError("the header of the archive is missing", len(ARCHIVE_MAGIC))
    for frame in stream:
        if frame[1] == TERMINATOR:
            return
        described = _content(frame)
        database, name = _text(described, "db", frame[0]), _text(described, "collection", frame[0])
        if database and described.get("type") != "view":
            size = described.get("size")
            yield CollectionInfo(name, database, (path,), size if isinstance(size, int) else 0)
    raise StreamDamagedError("the data ends inside the list of collections")


def _records(
    stream: Iterator[Frame], info: CollectionInfo, checksum: _Checksum
) -> Iterator[Record | BrokenRecord]:
    ordinal = 0
    for header in stream:
        block = _block(header)
        wanted = (block.database, block.collection) == (info.database, info.name)
        if block.ends:
            _expect_terminator(next(stream, None), block.offset)
            if not wanted:
                continue
            if block.crc != checksum.value:
                raise StreamDamagedError(
                    f"the CRC of {info.name} is wrong, one of its documents is not as dumped; found",
                    block.offset,
                )
            return
        checksum.counting = wanted
        for frame in _documents(stream, block.offset):
            if wanted:
                checksum.add(frame[2] if len(frame[2]) == frame[1] else b"")
                yield record_of(frame, ordinal)
                ordinal += 1
        checksum.counting = False
    raise StreamDamagedError(f"the archive ends before the collection {info.name} does")


def _documents(stream: Iterator[Frame], offset: int) -> Iterator[Frame]:
    for frame in stream:
        if frame[1] == TERMINATOR:
            return
        yield frame
    raise StreamDamagedError("the data ends inside the block that begins", offset)


def _block(frame: Frame) -> _Block:
    content = _content(frame)
    crc = content.get("CRC", 0)
    return _Block(
        offset=frame[0],
        database=_text(content, "db", frame[0]),
        collection=_text(content, "collection", frame[0]),
        ends=content.get("EOF") is True,
        crc=crc & _UNSIGNED if isinstance(crc, int) else 0,
    )


def _expect_terminator(frame: Frame | None, offset: int) -> None:
    if frame is None or frame[1] != TERMINATOR:
        raise StreamDamagedError("a collection ends without the end of its block", offset)


def _content(frame: Frame | None) -> dict[str, Any]:
    if frame is None:
        raise StreamDamagedError("the data ends before the list of collections", len(ARCHIVE_MAGIC))
    if not is_whole(frame):
        raise StreamDamagedError("a header is expected, and something else is found", frame[0])
    try:
        return bson.decode(frame[2])
    except BSONError as error:
        raise StreamDamagedError(f"a header cannot be read ({error})", frame[0]) from error


def _text(content: Mapping[str, Any], key: str, offset: int) -> str:
    value = content.get(key)
    if not isinstance(value, str):
        raise StreamDamagedError(f"a header without {key!r}", offset)
    return value
