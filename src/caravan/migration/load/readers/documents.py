"""From BSON frames to records, and from a damaged stream to an error that names file and place."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from caravan.migration.load.readers.bytestream import StreamDamagedError
from caravan.migration.load.readers.errors import SourceDamaged
from caravan.migration.load.readers.framing import Frame, is_whole
from caravan.migration.load.readers.protocol import KEPT_OF_BROKEN, MAX_DOCUMENT, BrokenRecord, Record

__all__ = ["Place", "record_of", "records_of"]


class Place(AbstractContextManager["Place"]):
    """Where a reader is; inside it a damaged stream becomes ``SourceDamaged`` with file, offset and last good ordinal."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.last_good = -1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, StreamDamagedError):
            raise SourceDamaged.at(self.file, error.offset, self.last_good, error.problem) from error
        if isinstance(error, OSError):
            problem = f"reading failed ({error.strerror or error})"
            raise SourceDamaged.at(self.file, 0, self.last_good, problem) from error


def records_of(frames: Iterator[Frame], place: Place) -> Iterator[Record | BrokenRecord]:
    """Give the frames of one collection their ordinals; what is too large or does not end as a document is broken."""
    for ordinal, frame in enumerate(frames):
        offset, size, raw = frame
        if len(raw) == size and raw[-1] == 0:  # is_whole, without the call: this loop is the speed of a load
            place.last_good = ordinal
            yield Record(ordinal, offset, raw)
        else:
            yield record_of(frame, ordinal)


def record_of(frame: Frame, ordinal: int) -> Record | BrokenRecord:
    """Return the record of a frame.

    Raises:
        StreamDamagedError: the frame is the end of a block, which has no place among documents.
    """
    offset, size, raw = frame
    if is_whole(frame):
        return Record(ordinal, offset, raw)
    if size < 0:
        raise StreamDamagedError(f"{size} is not the length of a document", offset)
    if size > MAX_DOCUMENT:
        return BrokenRecord(
            ordinal, offset, raw, "record.too_large", f"{size} bytes, at most {MAX_DOCUMENT} are read"
        )
    return BrokenRecord(
        ordinal,
        offset,
        raw[:KEPT_OF_BROKEN],
        "record.not_bson",
        "the last byte is not zero: the length word is wrong",
    )
