"""Appends exchanges to segments; a new writer begins a new segment and never touches an old one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from caravan.core.ids import uuid7
from caravan.migration.exchange import Exchange
from caravan.migration.recording.exchange_bytes import microseconds, to_bytes
from caravan.migration.recording.frames import SEGMENT_HEAD, frame_bytes

__all__ = ["SUFFIX", "SegmentWriter"]

SUFFIX: Final = ".cvrec"
_BATCH_BYTES: Final = 256 * 1024
_BATCH: Final = 500
_SEGMENT_BYTES: Final = 64 * 1024 * 1024


class SegmentWriter:
    """Writes batches as frames. ``rotated`` is called after a segment was ended because of its size."""

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = _SEGMENT_BYTES,
        rotated: Callable[[], object] = lambda: None,
    ) -> None:
        self._folder = folder
        self._limit = segment_bytes
        self._rotated = rotated
        self._file: BinaryIO | None = None
        self._items: list[bytes] = []
        self._raw, self._first, self._last = 0, 0, 0
        self.path: Path | None = None
        self.lost = 0
        """Exchanges of batches that could not be written."""

    def append(self, exchange: Exchange) -> None:
        """Take one exchange, which is on the disk after the next ``flush`` at the latest."""
        item, at = to_bytes(exchange), microseconds(exchange.at)
        self._first = min(self._first, at) if self._items else at
        self._last = max(self._last, at) if self._items else at
        self._items.append(item)
        self._raw += len(item)
        if self._raw >= _BATCH_BYTES or len(self._items) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what is pending as one frame."""
        if not self._items:
            return
        items, self._items, self._raw = (
            self._items,
            [],
            0,
        )  # what a full disk refuses must not come again and again
        try:
            file = self._file or self._begin()
            file.write(frame_bytes(items, self._first, self._last))
            file.flush()
        except OSError:
            self.lost += len(items)
            raise
        if file.tell() >= self._limit:
            self._end()
            self._rotated()

    def close(self) -> None:
        """Write what is pending and have it on the disk."""
        try:
            self.flush()
        finally:
            self._end()

    def _begin(self) -> BinaryIO:
        self.path = self._folder / f"{uuid7().hex}{SUFFIX}"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._file.write(SEGMENT_HEAD)
        return self._file

    def _end(self) -> None:
        if self._file is not None:
            file, self._file, self.path = self._file, None, None
            with file:
                file.flush()
                os.fsync(file.fileno())
