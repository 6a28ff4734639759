"""Files that come out the same from the same bytes: gzip without a time and a name in its header."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

__all__ = ["Sink", "written"]

_LEVEL = 9


class Sink(Protocol):
    def write(self, data: bytes, /) -> int: ...


@contextmanager
def written(path: Path, *, compressed: bool) -> Iterator[Sink]:
    """Open the file for writing, gzipped when asked to."""
    with path.open("wb") as file:
        if not compressed:
            yield file
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=_LEVEL, mtime=0) as packed:
            yield packed
