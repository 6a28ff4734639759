"""The bytes of a file in big pieces, gunzipped on the way; memory stays flat whatever the size."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["GZIP_MAGIC", "PIECE", "Meter", "StreamDamagedError", "pieces"]

PIECE: Final = 1024 * 1024
GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31  # zlib: a gzip header and the largest window


class StreamDamagedError(Exception):
    """The stream cannot go on; everything before ``offset`` (decompressed) was given."""

    def __init__(self, problem: str, offset: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.offset = offset


@dataclass(slots=True)
class Meter:
    """``consumed`` of ``total`` bytes on disk; ``given`` bytes after decompression."""

    total: int = 0
    consumed: int = 0
    given: int = 0


def pieces(path: Path, *, compressed: bool, meter: Meter) -> Iterator[bytes]:
    """Yield the bytes of the file, at most 1 MiB at a time.

    Raises:
        StreamDamagedError: after the last good byte, when the file cannot be read on or its gzip stream is cut or corrupt.
    """
    try:
        with path.open("rb", buffering=0) as file:
            meter.total = path.stat().st_size
            stored = _stored(file, meter)
            for piece in _gunzip(stored) if compressed else stored:
                meter.given += len(piece)
                yield piece
    except StreamDamagedError as error:
        raise StreamDamagedError(error.problem, meter.given) from error
    except OSError as error:
        raise StreamDamagedError(f"reading failed ({error.strerror or error})", meter.given) from error


def _stored(file: BinaryIO, meter: Meter) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        meter.consumed += len(piece)
        yield piece


def _gunzip(stored: Iterator[bytes]) -> Iterator[bytes]:
    """RFC 1952: one or more members, zero padding between and behind them."""
    inflate, inside, members = zlib.decompressobj(_GZIP_WINDOW), False, 0
    for piece in stored:
        data = piece
        while data := data if inside or not members else data.lstrip(b"\0"):
            inside = True
            yield from _inflated(inflate, data)
            data = inflate.unused_data
            if inflate.eof:
                inflate, inside, members = zlib.decompressobj(_GZIP_WINDOW), False, members + 1
    if inside or not members:
        raise StreamDamagedError("the gzip stream is cut short")


def _inflated(inflate: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """Yield what ``data`` inflates to; before a damage also the bytes zlib drops with its error."""
    full = True
    while (data or full) and not inflate.eof:
        before = inflate.copy()
        try:
            out = inflate.decompress(data, PIECE)
        except zlib.error as error:
            yield from _up_to_the_damage(before, data)
            raise StreamDamagedError(f"the gzip stream is corrupt ({error})") from None
        if out:
            yield out
        data, full = inflate.unconsumed_tail, len(out) == PIECE


def _up_to_the_damage(inflate: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    for index in range(len(data)):
        try:
            out = inflate.decompress(data[index : index + 1])
        except zlib.error:
            return
        if out:
            yield out
