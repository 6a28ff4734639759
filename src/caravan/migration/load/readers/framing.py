"""Splits a byte stream into BSON documents by their length word, without decoding them.

A BSON document starts with its own length, a little-endian int32, and ends with a zero byte
(https://bsonspec.org/spec.html); a mongodump archive puts ``ff ff ff ff`` where a block ends.
"""

from collections.abc import Callable, Iterator
from struct import Struct
from typing import Final, TypeAlias

from caravan.migration.load.readers.bytestream import StreamDamagedError
from caravan.migration.load.readers.protocol import KEPT_OF_BROKEN, MAX_DOCUMENT

__all__ = ["TERMINATOR", "Frame", "frames", "is_whole"]

Frame: TypeAlias = tuple[int, int, bytes]
"""Offset, stated size, bytes: all of them up to 16 MiB + 16 KiB, else the first 64 KiB."""

TERMINATOR: Final = -1
"""The stated size where a block of an archive ends."""

_SMALLEST: Final = 5
_WORD: Final = 4
_length = Struct("<i").unpack_from


def _forget(_piece: bytes) -> None:
    """Nobody counts the bytes of a document too large to keep."""


def frames(
    pieces: Iterator[bytes], *, start: int = 0, oversize: Callable[[bytes], None] = _forget
) -> Iterator[Frame]:
    """Yield the frames of a stream whose first byte lies at ``start``; ``oversize`` gets what is not kept.

    Raises:
        StreamDamagedError: a length word that cannot be one, or a stream that ends inside a frame.
    """
    buffer = b""
    for piece in pieces:
        buffer = buffer + piece if buffer else piece
        position, end = 0, len(buffer)
        while end - position >= _WORD:
            size: int = _length(buffer, position)[0]
            stop = position + size
            if _SMALLEST <= size <= MAX_DOCUMENT:
                if stop > end:
                    break
                yield start + position, size, buffer[position:stop]
                position = stop
            elif size == TERMINATOR:
                yield start + position, size, b""
                position += _WORD
            elif size < _SMALLEST:
                raise StreamDamagedError(f"{size} is not the length of a document", start + position)
            else:
                head, buffer = _pass_over(pieces, buffer[position:], size, start + position, oversize)
                yield start + position, size, head
                start += position + size
                position, end = 0, len(buffer)
        buffer, start = buffer[position:], start + position
    if buffer:
        raise StreamDamagedError("the data ends inside a document", start)


def is_whole(frame: Frame) -> bool:
    """Whether the bytes are all there and end as a document ends."""
    _, size, raw = frame
    return len(raw) == size and raw[-1] == 0


def _pass_over(
    pieces: Iterator[bytes], buffer: bytes, size: int, offset: int, oversize: Callable[[bytes], None]
) -> tuple[bytes, bytes]:
    """Skip a document too large to read; return its first bytes and what lies behind it."""
    head = bytearray()
    while len(buffer) < size:
        head += buffer[: KEPT_OF_BROKEN - len(head)]
        oversize(buffer)
        size -= len(buffer)
        piece = next(pieces, None)
        if piece is None:
            raise StreamDamagedError("the data ends inside a document", offset)
        buffer = piece
    head += buffer[: min(size, KEPT_OF_BROKEN - len(head))]
    oversize(buffer[:size])
    return bytes(head), buffer[size:]
