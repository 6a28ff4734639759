"""Finds where documents begin and end in JSON text by its brackets, outside strings."""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from caravan.migration.load.readers.bytestream import StreamDamagedError
from caravan.migration.load.readers.protocol import KEPT_OF_BROKEN, MAX_DOCUMENT

__all__ = ["MAX_TEXT", "StructureSplitter", "Text"]

Text: TypeAlias = tuple[int, int, bytes]
"""Offset, length, bytes: all of them up to MAX_TEXT, else the first 64 KiB."""

MAX_TEXT: Final = 4 * MAX_DOCUMENT
"""Bytes: canonical Extended JSON takes up to about four times the room of its BSON."""

_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_INSIDE: Final = re.compile(rb'(?:[^"{}\[\]]++|' + _STRING + rb")*+(?P<mark>[{}\[\]])?", re.DOTALL)
_BETWEEN: Final = re.compile(rb'[^"{}\[\]]*+(?P<mark>' + _STRING + rb"|[{}\[\]])?", re.DOTALL)
_SEPARATORS: Final = b" \t\r\n,"


class StructureSplitter:
    """Fed with pieces, yields the documents; ``start`` is the offset of the first byte."""

    def __init__(self, start: int) -> None:
        self._start = start  # of the buffer
        self._buffer = b""
        self._scanned = 0
        self._begin = 0  # of the document, or of the gap before one
        self._depth = 0
        self._head: bytes | None = None  # of a document too large to keep
        self._head_offset = 0
        self._in_array = False

    def feed(self, piece: bytes) -> Iterator[Text]:
        self._buffer += piece
        while (step := (_INSIDE if self._depth else _BETWEEN).match(self._buffer, self._scanned)) is not None:
            self._scanned = step.end()
            mark = step["mark"]
            if mark is None:  # the end of the buffer, or a string that goes on in the next piece
                break
            if self._depth == 0:
                yield from self._outside(step.start("mark"), mark)
            elif mark in b"{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == 0:
                    yield self._taken(step.end())
        self._forget()

    def finish(self) -> None:
        """Say that nothing follows.

        Raises:
            StreamDamagedError: something is still open.
        """
        if self._depth or self._buffer[self._begin :].strip(_SEPARATORS):
            offset = self._head_offset if self._head is not None else self._start + self._begin
            raise StreamDamagedError("the text ends inside a document", offset)
        if self._in_array:
            raise StreamDamagedError("the text ends inside the array", self._start + len(self._buffer))

    def _outside(self, at: int, mark: bytes) -> Iterator[Text]:
        """Handle a token outside all documents: brackets of the array, the begin of a document, or something else."""
        gap = self._buffer[self._begin : at]
        begin, self._begin = self._begin, at
        if gap.strip(_SEPARATORS):
            yield self._start + begin, len(gap), gap.strip(_SEPARATORS)[:KEPT_OF_BROKEN]
        if mark == b"{" or (mark == b"[" and self._in_array):
            self._depth = 1
        elif mark in b"[]" and self._in_array != (mark == b"["):
            self._in_array = mark == b"["
            self._begin = at + 1
        else:
            yield self._taken(at + len(mark))

    def _taken(self, end: int) -> Text:
        raw = self._buffer[self._begin : end]
        offset = self._start + self._begin
        self._begin = end
        if self._head is None:
            return offset, len(raw), raw
        head, size = self._head, offset + len(raw) - self._head_offset
        self._head = None
        return self._head_offset, size, head

    def _forget(self) -> None:
        """Drop what is no longer needed: documents given, and the body of one too large."""
        if self._depth and (self._head is not None or len(self._buffer) - self._begin > MAX_TEXT):
            if self._head is None:
                self._head = self._buffer[self._begin :][:KEPT_OF_BROKEN]
                self._head_offset = self._start + self._begin
            self._begin = self._scanned
        self._buffer = self._buffer[self._begin :]
        self._start += self._begin
        self._scanned -= self._begin
        self._begin = 0
        if len(self._buffer) > MAX_TEXT:
            raise StreamDamagedError("a string or a gap that does not end", self._start + self._scanned)
