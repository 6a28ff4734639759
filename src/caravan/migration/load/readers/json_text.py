"""Splits a stream of JSON text into its documents, without parsing them.

Understands one document per line, documents one after another over several lines, and one array of documents. The
bytes of each document stay as they are: quarantine keeps the original, and numbers keep their digits.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from caravan.migration.load.readers.bytestream import StreamDamagedError
from caravan.migration.load.readers.json_structure import MAX_TEXT, StructureSplitter, Text
from caravan.migration.load.readers.protocol import KEPT_OF_BROKEN

__all__ = ["texts"]

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_ENOUGH: Final = 1024  # bytes, to tell the layout


def texts(pieces: Iterator[bytes]) -> Iterator[Text]:
    """Yield the documents, and whatever stands where a document should.

    Raises:
        StreamDamagedError: the text ends inside a document or inside the array.
    """
    head = b""
    for piece in pieces:
        head += piece
        begin = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
        if b"\n" in begin or len(begin) > _ENOUGH:
            break
    start = len(_BYTE_ORDER_MARK) if head.startswith(_BYTE_ORDER_MARK) else 0
    rest = chain((head[start:],), pieces)
    yield from _lines(rest, start) if _one_per_line(head[start:]) else _structure(rest, start)


def _one_per_line(head: bytes) -> bool:
    """Tell lines from an array and from documents printed over several lines."""
    first, _, _ = head.lstrip().partition(b"\n")
    return not first.startswith(b"[") and first.strip() != b"{"


def _structure(pieces: Iterator[bytes], start: int) -> Iterator[Text]:
    splitter = StructureSplitter(start)
    for piece in pieces:
        yield from splitter.feed(piece)
    splitter.finish()


def _lines(pieces: Iterator[bytes], start: int) -> Iterator[Text]:
    pending = _PendingLine(start)
    for piece in pieces:
        *whole, rest = piece.split(b"\n")
        for line in whole:
            pending.add(line)
            if text := pending.take():
                yield text
        pending.add(rest)
    yield from pending.last()


class _PendingLine:
    """A line that comes in pieces; of one that is too long only the beginning is kept."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        self._size += len(part)
        if part:
            self._parts.append(part)
        if self._size > MAX_TEXT:
            self._parts = [b"".join(self._parts)[:KEPT_OF_BROKEN]]

    def take(self) -> Text | None:
        """Return the line, unless it is blank, and begin the next."""
        offset, size, raw = self._start, self._size, b"".join(self._parts).strip()
        self._start, self._parts, self._size = offset + size + 1, [], 0
        return (offset, size if size > MAX_TEXT else len(raw), raw) if raw else None

    def last(self) -> Iterator[Text]:
        """Yield what has no line end behind it: a whole document, or the text is cut."""
        if (text := self.take()) is None:
            return
        offset, size, raw = text
        if size > MAX_TEXT:
            raise StreamDamagedError("the text ends inside a document that is too large", offset)
        splitter = StructureSplitter(offset)
        yield from splitter.feed(raw)
        splitter.finish()
