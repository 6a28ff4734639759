"""Opens a file that may be gzipped."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from caravan.migration.recording.errors import ImportUnreadable

__all__ = ["opened"]

_GZIP: Final = b"\x1f\x8b"


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Give the bytes of the file as a stream, in the clear.

    Raises:
        ImportUnreadable: it cannot be opened.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ImportUnreadable(f"{path}: {error.strerror or error}") from None
    with file:
        head = file.read(len(_GZIP))
        file.seek(0)
        yield cast("BinaryIO", gzip.GzipFile(fileobj=file)) if head == _GZIP else file
