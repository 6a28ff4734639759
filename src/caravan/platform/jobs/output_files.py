"""Reading what a guardian's recorder wrote, while it still writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["OutputReader", "Piece", "pieces"]


@dataclass(frozen=True, slots=True)
class Piece:
    """What one stream gave; ``position`` counts the bytes of all streams of the log from its beginning."""

    position: int
    stream: str
    content: bytes


class _Place:
    """Where reading of one file has come to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0


class OutputReader:
    """Yields each piece once. Files that the guardian has removed meanwhile are lost, as is meant."""

    def __init__(self, folder: Path, prefix: str, behind: int = -1) -> None:
        self._folder = folder
        self._prefix = prefix
        self._behind = behind
        self._places: dict[str, _Place] = {}

    def fresh(self) -> Iterator[Piece]:
        """Yield what has been written since the last call, and lies behind the position given at the start."""
        for path in sorted(self._folder.glob(f"{self._prefix}-*")):
            place = self._places.setdefault(path.name, _Place(path))
            yield from (piece for piece in _read(place) if piece.position > self._behind)


def pieces(folder: Path, prefix: str) -> Iterator[Piece]:
    """Yield the whole log of a program that has ended."""
    yield from OutputReader(folder, prefix).fresh()


def _read(place: _Place) -> Iterator[Piece]:
    try:
        with place.path.open("rb") as file:
            file.seek(place.offset)
            while (head := file.readline()).endswith(b"\n"):
                position, stream, length = head.split()
                content = file.read(int(length))
                if len(content) < int(length):
                    return  # it is being written
                place.offset = file.tell()
                yield Piece(int(position), stream.decode(), content)
    except (OSError, ValueError):
        return
