"""How long a recording is kept, and how large it may grow."""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

__all__ = ["DEFAULT_RETENTION", "Pruned", "Retention", "prune"]


@dataclass(frozen=True, slots=True)
class Retention:
    """Whole segments last written longer ago than ``age`` go, then the oldest until at most ``size`` bytes remain.

    When their traffic was does not matter: old logs may be imported.
    """

    age: timedelta = timedelta(days=14)
    size: int = 2 * 1024**3


DEFAULT_RETENTION: Final = Retention()


@dataclass(frozen=True, slots=True)
class Pruned:
    """What retention took."""

    segments: int
    size: int


def prune(segments: list[Path], retention: Retention, now: datetime, *, keep: Path | None = None) -> Pruned:
    """Delete what is too old or too much; ``segments`` come oldest first, ``keep`` is being written and stays."""
    sizes = {path: path.stat() for path in segments if path.exists()}
    total, taken, freed = sum(told.st_size for told in sizes.values()), 0, 0
    for path, told in sizes.items():
        written = datetime.fromtimestamp(told.st_mtime, UTC)
        if path == keep or (total <= retention.size and written >= now - retention.age):
            continue
        with contextlib.suppress(FileNotFoundError):  # another process prunes too
            path.unlink()
        total, taken, freed = total - told.st_size, taken + 1, freed + told.st_size
    return Pruned(taken, freed)
