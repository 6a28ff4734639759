"""Output on disk, bounded: its beginning and its end are kept, what lies between is counted.

Files are named ``<prefix>-<position of their first byte>``; a record is a line ``position stream length`` and the bytes.
The first file holds the beginning; of the later ones the last three are kept.
"""

import contextlib
import os
import time

__all__ = ["Recorder"]

_LATER = 3
_RETRY = 1.0


class Recorder:
    """Keeps at least half of ``limit`` bytes from the beginning and half from the end. A full disk loses output, no more."""

    def __init__(self, folder: str, prefix: str, limit: int) -> None:
        self.position = 0
        self.dropped = 0
        self._folder = folder
        self._prefix = prefix
        self._first = max(limit // 2, 1)
        self._later = max(limit // 2 // (_LATER - 1), 1)
        self._names: list[tuple[str, int]] = []
        self._descriptor = -1
        self._size = 0
        self._filled = 0
        self._full_until = 0.0

    def write(self, stream: str, content: bytes) -> None:
        """Append what came from one stream."""
        while content:
            room = (self._first if len(self._names) <= 1 else self._later) - self._filled
            if self._descriptor < 0 or room <= 0:
                if not self._next_file():
                    self._drop(content)
                    return
                continue
            piece, content = content[:room], content[room:]
            self._append(stream, piece)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, stream: str, piece: bytes) -> None:
        record = b"%d %s %d\n" % (self.position, stream.encode(), len(piece)) + piece
        if time.monotonic() < self._full_until or not self._written(record):
            self._drop(piece)
            return
        self._size += len(record)
        self._filled += len(piece)
        self.position += len(piece)
        name, kept = self._names[-1]
        self._names[-1] = (name, kept + len(piece))

    def _written(self, record: bytes) -> bool:
        try:
            left = record
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            with contextlib.suppress(OSError):  # half a record would make the rest unreadable
                os.ftruncate(self._descriptor, self._size)
                os.lseek(self._descriptor, self._size, os.SEEK_SET)
            self._full_until = time.monotonic() + _RETRY
            return False
        return True

    def _next_file(self) -> bool:
        if time.monotonic() < self._full_until:
            return False
        self.close()
        name = f"{self._folder}/{self._prefix}-{self.position:020d}"
        try:
            self._descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError:
            self._full_until = time.monotonic() + _RETRY
            return False
        self._size = self._filled = 0
        self._names.append((name, 0))
        while len(self._names) > _LATER + 1:
            old, lost = self._names.pop(1)
            self.dropped += lost
            with contextlib.suppress(OSError):
                os.unlink(old)  # noqa: PTH108 - pathlib is slow to import here
        return True

    def _drop(self, content: bytes) -> None:
        self.position += len(content)
        self.dropped += len(content)
