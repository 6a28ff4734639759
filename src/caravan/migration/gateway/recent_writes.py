"""Who wrote a moment ago: shared by the gateway's processes of one machine, bounded whatever happens.

A member's read must not be answered by a side that has not seen its write yet, and the next request may reach another
process. So the table is one mapped file of doubles: slot = mark modulo size, value = when the lag is over, on the
machine's monotonic clock. Two marks in one slot cost a read that goes to the authority without need, nothing else;
an aligned double is written whole, and the greater of two moments is the safe one to keep.
"""

import mmap
import time
from pathlib import Path
from typing import Final

__all__ = ["RecentWrites"]

_SLOTS: Final = 1 << 17
_BYTES: Final = _SLOTS * 8


class RecentWrites:
    """``file`` None keeps the table in this process alone. A file is only valid until the machine starts again."""

    def __init__(self, file: Path | None = None) -> None:
        if file is None:
            self._map = mmap.mmap(-1, _BYTES)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a+b") as opened:
                opened.truncate(_BYTES)
                self._map = mmap.mmap(opened.fileno(), _BYTES)
        self._until = memoryview(self._map).cast("d")

    def mark(self, mark: int, seconds: float) -> None:
        """Remember a write for so long."""
        slot = mark % _SLOTS
        until = time.monotonic() + seconds
        self._until[slot] = max(self._until[slot], until)

    def wrote(self, mark: int) -> bool:
        """Tell whether a write of this mark was seen within its time."""
        return self._until[mark % _SLOTS] > time.monotonic()

    def close(self) -> None:
        """Let the mapping go."""
        self._until.release()
        self._map.close()
