"""What every reader gives: records, undecoded, in the order of the file or of the key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

__all__ = [
    "KEPT_OF_BROKEN",
    "MAX_DOCUMENT",
    "BrokenRecord",
    "CollectionInfo",
    "Reader",
    "Record",
    "RecordFormat",
]

RecordFormat: TypeAlias = Literal["bson", "ejson", "row"]
"""``row`` is a row of a table as ``row_text`` writes it."""

MAX_DOCUMENT: Final = 16 * 1024 * 1024 + 16 * 1024
"""Bytes: the largest document MongoDB stores, and the room it allows internally above 16 MiB."""

KEPT_OF_BROKEN: Final = 64 * 1024
"""Bytes kept of a record that cannot be read."""


@dataclass(frozen=True, slots=True)
class Record:
    """One source record, undecoded.

    ``ordinal`` is its 0-based position in its collection, ``offset`` its byte offset in the decompressed file or
    stream (of a live table: its ordinal), ``raw`` the BSON document, the JSON text of one document, or a row.
    """

    ordinal: int
    offset: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class BrokenRecord:
    """A record that cannot be framed or must not be read; the records behind it are read on.

    ``raw`` holds its first 64 KiB (of a row: all of it), ``reason`` a stable class such as ``record.too_large``,
    ``field`` the column it was found in, where there is one.
    """

    ordinal: int
    offset: int
    raw: bytes
    reason: str
    detail: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """``size`` in bytes on disk (of an archive: as its prelude states it), ``documents`` where the source says it."""

    name: str
    database: str
    files: tuple[Path, ...]
    size: int
    documents: int | None = None


class Reader(Protocol):
    @property
    def format(self) -> RecordFormat:
        """The format of ``raw``."""

    def collections(self) -> Mapping[str, CollectionInfo]:
        """Return the collections by name; ``database.name`` where two databases have one of the same name."""

    def read(self, collection: str) -> Iterator[Record | BrokenRecord]:
        """Yield the records of a collection in file order, with flat memory.

        Raises:
            SourceCollectionMissing: there is no such collection.
            SourceDamaged: after all good records before the damage.
        """

    def position(self) -> tuple[int, int]:
        """Bytes consumed of the file being read, as it lies on disk, and its size."""
