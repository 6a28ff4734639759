"""Chunks that stay text: the source writes what COPY reads, and nobody here looks at a row.

The same cuts come for the same source, whatever the run: by the ledger where it has a chunk, else by a number of rows that follows
from the size of the chunk before.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import count
from typing import Final

from caravan.migration.load.chunks import FIRST_CHUNK_RECORDS, Chunk, hashed
from caravan.migration.load.readers import KeyRange, TableReader, TextLines, TextReader
from caravan.migration.load.text_plan import TextPlan

__all__ = ["TEXT_ROWS", "RowsOf", "TextChunk", "cut_text", "is_of_text", "rows_of"]

TEXT_ROWS: Final = 15_000
"""What a transaction and its sums cost is shared by so many rows; one that must be mapped costs the others of its chunk the short way."""

_TEXT_BYTES: Final = 2 * 1024 * 1024
_FEWEST: Final = 50
_MARK: Final = b"t"


@dataclass(frozen=True, slots=True)
class TextChunk:
    """Rows as COPY text that are committed together; ``within`` are their keys. ``source_hash`` is SHA-256 of the text, behind a mark."""

    number: int
    first_ordinal: int
    rows: int
    source_hash: bytes
    text: bytes
    within: KeyRange

    def without_text(self) -> "TextChunk":
        """Return what is needed to read the chunk again."""
        return replace(self, text=b"")


def is_of_text(source_hash: bytes) -> bool:
    """Tell whether a hash of the ledger is that of text, and not of records."""
    return source_hash[:1] == _MARK and len(source_hash) == 1 + sha256().digest_size


def cut_text(
    reader: TextReader,
    table: str,
    plan: TextPlan,
    known: Mapping[int, int],
    *,
    most: int | None = None,
    limit: int | None = None,
) -> Iterator[TextChunk | Chunk]:
    """Yield the chunks of a table, of at most so many rows unless ``known`` says more; at most ``limit`` rows of all.

    A chunk that the source cannot write as text, or says to hold odd values, comes as records.

    Raises:
        SourceDamaged: the source cannot be read on.
    """
    after: KeyRange = KeyRange()
    ordinal, size = 0, 0
    for number in count():
        wanted = known.get(number) or _usual(number, size, most or TEXT_ROWS)
        if limit is not None:
            wanted = min(wanted, limit - ordinal)
        if wanted <= 0:
            return
        lines = reader.text_lines(table, plan.source, after, wanted)
        if lines.rows == 0:
            return
        yield _chunk(reader, table, number, ordinal, lines)
        ordinal += lines.rows
        size = len(lines.text or b"") // lines.rows
        if lines.within.upto is None:
            return
        after = KeyRange(after=lines.within.upto)


def rows_of(reader: TableReader, table: str, chunk: TextChunk) -> Chunk:
    """Return the same rows as records."""
    records = tuple(
        replace(record, ordinal=chunk.first_ordinal + place, offset=chunk.first_ordinal + place)
        for place, record in enumerate(reader.read_range(table, chunk.within))
    )
    return Chunk(chunk.number, chunk.first_ordinal, records, chunk.source_hash)


def _usual(number: int, size: int, most: int) -> int:
    if number == 0:
        return FIRST_CHUNK_RECORDS
    return max(_FEWEST, min(most, _TEXT_BYTES // max(size, 1)))


def _chunk(reader: TextReader, table: str, number: int, ordinal: int, lines: TextLines) -> TextChunk | Chunk:
    if lines.text is None:
        return hashed(rows_of(reader, table, TextChunk(number, ordinal, lines.rows, b"", b"", lines.within)))
    digest = _MARK + sha256(lines.text).digest()
    chunk = TextChunk(number, ordinal, lines.rows, digest, lines.text, lines.within)
    return rows_of(reader, table, chunk) if lines.odd else chunk


RowsOf = Callable[[TextChunk], Chunk]
"""Reads a chunk once more, as records."""
