"""A dump in SQL as a window that moves over the stream: a token is matched whole, memory stays flat."""

import re
from collections.abc import Iterator

from caravan.migration.load.readers.bytestream import StreamDamagedError
from caravan.migration.load.readers.protocol import MAX_DOCUMENT

__all__ = ["MAX_TOKEN", "SqlText"]

MAX_TOKEN = 4 * MAX_DOCUMENT
"""Bytes: the longest literal or definition that is read."""


class SqlText:
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._buffer = b""
        self._start = 0
        self._at = 0

    @property
    def offset(self) -> int:
        """The byte that is read next, counted in the decompressed file."""
        return self._start + self._at

    @property
    def ended(self) -> bool:
        return self._at == len(self._buffer) and not self._more()

    def take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Move behind a match that stands here.

        A match that touches the end of the window is tried again with more, so a pattern must not match a beginning of
        what it means otherwise; None where it does not match though all is there.
        """
        while True:
            found = pattern.match(self._buffer, self._at)
            if (found is None or found.end() == len(self._buffer)) and self._more():
                continue
            if found is not None:
                self._at = found.end()
            return found

    def expect(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        """Move behind a match; raises ``StreamDamagedError`` where ``what`` does not stand here."""
        found = self.take(pattern)
        if found is None:
            cut = "the file ends inside" if self._at_the_end() else "here should stand"
            raise StreamDamagedError(f"{cut} {what}", self.offset)
        return found

    def skip(self, inside: re.Pattern[bytes], end: bytes) -> None:
        """Move behind ``end``; ``inside`` matches what may stand before it, whole quoted parts included."""
        while True:
            found = inside.match(self._buffer, self._at)
            if found is not None:
                self._at = found.end()
            if self._buffer.startswith(end, self._at):
                self._at += len(end)
                return
            if not self._more():
                raise StreamDamagedError("the file ends inside a statement", self.offset)

    def _at_the_end(self) -> bool:
        return next(self._pieces, None) is None

    def _more(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        if len(self._buffer) - self._at > MAX_TOKEN:
            raise StreamDamagedError("a literal or statement that is too long or does not end", self.offset)
        self._buffer = self._buffer[self._at :] + piece
        self._start += self._at
        self._at = 0
        return True
