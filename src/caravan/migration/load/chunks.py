"""Cuts a stream of records into chunks: always the same cuts for the same bytes, whatever the run.

A run cuts where the ledger says that an earlier one has cut, so that sizes may change between versions of the program.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from caravan.migration.load.readers import BrokenRecord, Record, RecordFormat

__all__ = [
    "CHUNK_BYTES",
    "CHUNK_RECORDS",
    "CHUNK_ROWS",
    "Chunk",
    "cut",
    "hashed",
    "known_cuts",
    "records_per_chunk",
]

CHUNK_RECORDS: Final = 500
CHUNK_ROWS: Final = 2000
"""Of rows of tables, which are small: what a transaction costs is shared by more of them."""

FIRST_CHUNK_RECORDS: Final = 50
"""The first chunk is small: after it the target tables are analysed, and plans for the others know what they hold."""

CHUNK_BYTES: Final = 1024 * 1024

_MOST_OF_KNOWN: Final = 8
"""A chunk of the ledger may have grown in the source: beyond so many times the usual bytes it is cut all the same."""


def records_per_chunk(record_format: RecordFormat) -> int:
    """Return how many records of a source make a chunk, unless their bytes do before."""
    return CHUNK_ROWS if record_format == "row" else CHUNK_RECORDS


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records that are committed together. ``source_hash`` is SHA-256 over length and bytes of each."""

    number: int
    first_ordinal: int
    records: tuple[Record | BrokenRecord, ...]
    source_hash: bytes


def cut(
    records: Iterator[Record | BrokenRecord],
    known: Mapping[int, int] | None = None,
    *,
    most_records: int | None = None,
    most_bytes: int | None = None,
) -> Iterator[Chunk]:
    """Yield chunks that hold at most so many records, and so many bytes unless one record alone has more.

    ``known`` is the number of records that each chunk of the ledger has. When the records end in an error, the records
    before it are yielded as a chunk of their own, then the error goes on.
    """
    held: list[Record | BrokenRecord] = []
    size = number = 0
    limits = _Limits(known or {}, most_records or CHUNK_RECORDS, most_bytes or CHUNK_BYTES)
    try:
        for record in records:
            if held and limits.reached(number, len(held), size + len(record.raw)):
                yield _chunk(number, held)
                held, size, number = [], 0, number + 1
            held.append(record)
            size += len(record.raw)
    except Exception:
        if held:
            yield _chunk(number, held)
        raise
    if held:
        yield _chunk(number, held)


def known_cuts(records: Mapping[int, int], *, most_records: int | None = None) -> dict[int, int]:
    """Return the cuts of a ledger for ``cut``: a last chunk with room left may take what the source has gained since."""
    known = dict(records)
    last = max(known, default=0)
    if known.get(last, 0) < (most_records or CHUNK_RECORDS):
        known.pop(last, None)
    return known


@dataclass(frozen=True, slots=True)
class _Limits:
    known: Mapping[int, int]
    records: int
    bytes: int

    def reached(self, number: int, held: int, size: int) -> bool:
        """Tell whether the chunk has its records, or one more would make it too large."""
        was = self.known.get(number)
        if was is not None:
            return held >= was or size > self.bytes * _MOST_OF_KNOWN
        most = min(FIRST_CHUNK_RECORDS, self.records) if number == 0 else self.records
        return held == most or size > self.bytes


def hashed(chunk: Chunk) -> Chunk:
    """Return the chunk with the hash of its records."""
    digest = sha256()
    for record in chunk.records:
        digest.update(len(record.raw).to_bytes(8))
        digest.update(record.raw)
    return replace(chunk, source_hash=digest.digest())


def _chunk(number: int, records: list[Record | BrokenRecord]) -> Chunk:
    return hashed(Chunk(number, records[0].ordinal, tuple(records), b""))
