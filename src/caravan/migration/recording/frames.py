"""Frames of a segment: compressed batches with a length and a checksum, so that a torn end is seen and said.

A segment begins with eight bytes of its own, then come frames: a head of fixed size (magic, stored bytes, raw bytes,
exchanges, first and last moment in microseconds since 1970, CRC-32 of head and payload) and the payload, zlib over
``length ':' exchange`` items. Heads alone tell the time span and the number of exchanges, without inflating anything.
"""

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["SEGMENT_HEAD", "Damage", "Frame", "frame_bytes", "frames", "items_of"]

SEGMENT_HEAD: Final = b"CVREC\x00\x01\n"
_MAGIC: Final = b"FRM1"
_HEAD: Final = struct.Struct(">4sIIIqq")
_CHECK: Final = struct.Struct(">I")
_ITEM: Final = struct.Struct(">I")
_MOST: Final = 256 * 1024 * 1024  # bytes of one frame: longer ones are damage


@dataclass(frozen=True, slots=True)
class Damage:
    """A place from which a segment cannot be read on; everything before it was good."""

    file: str
    offset: int
    lost: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem} at byte {self.offset}; the {self.lost} bytes from there on are left out"


@dataclass(frozen=True, slots=True)
class Frame:
    """``payload`` is None where only heads are read. Moments are microseconds since 1970."""

    exchanges: int
    first: int
    last: int
    raw: int
    stored: int
    payload: bytes | None


def frame_bytes(items: Sequence[bytes], first: int, last: int) -> bytes:
    """Return the frame of these exchanges, compressed."""
    raw = b"".join(part for item in items for part in (_ITEM.pack(len(item)), item))
    payload = zlib.compress(raw, 1)
    head = _HEAD.pack(_MAGIC, len(payload), len(raw), len(items), first, last)
    return b"".join((head, _CHECK.pack(zlib.crc32(payload, zlib.crc32(head))), payload))


def frames(
    path: Path, *, since: int | None = None, until: int | None = None, heads: bool = False
) -> Iterator[Frame | Damage]:
    """Yield the frames that touch the time span; a damage comes last. With ``heads`` payloads are jumped over, unread."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if file.read(len(SEGMENT_HEAD)) != SEGMENT_HEAD:
            yield Damage(path.name, 0, size, "this is no segment of a recording")
            return
        while (offset := file.tell()) < size:
            frame = _next(file, size, since, until, heads=heads)
            if isinstance(frame, str):
                yield Damage(path.name, offset, size - offset, frame)
                return
            if frame is not None:
                yield frame


def items_of(frame: Frame) -> Iterator[memoryview]:
    """Yield the bytes of each exchange in a frame."""
    data = memoryview(zlib.decompress(frame.payload or b"", bufsize=frame.raw or 1))
    while data:
        (length,) = _ITEM.unpack_from(data)
        yield data[_ITEM.size : _ITEM.size + length]
        data = data[_ITEM.size + length :]


def _next(
    file: BinaryIO, size: int, since: int | None, until: int | None, *, heads: bool
) -> Frame | str | None:
    """Return the next frame, None for one outside the span, or what is wrong."""
    head = file.read(_HEAD.size + _CHECK.size)
    if len(head) < _HEAD.size + _CHECK.size:
        return "the head of a frame is cut short"
    magic, stored, raw, exchanges, first, last = _HEAD.unpack_from(head)
    (check,) = _CHECK.unpack_from(head, _HEAD.size)
    if magic != _MAGIC or raw > _MOST or stored > _MOST:
        return "there is no frame"
    if file.tell() + stored > size:
        return "a frame is cut short"
    outside = (since is not None and last < since) or (until is not None and first >= until)
    if heads or outside:
        file.seek(stored, os.SEEK_CUR)
        return None if outside else Frame(exchanges, first, last, raw, stored, None)
    payload = file.read(stored)
    if zlib.crc32(payload, zlib.crc32(head[: _HEAD.size])) != check:
        return "the checksum of a frame does not match"
    return Frame(exchanges, first, last, raw, stored, payload)
