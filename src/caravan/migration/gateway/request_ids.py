"""Ids for requests that bring none."""

import os
import time
from typing import Final

__all__ = ["RequestIds"]

_COUNTER: Final = 0x1000
_DIGITS: Final = tuple(b"%03x" % count for count in range(_COUNTER))


class RequestIds:
    """Makes UUIDv7 texts (RFC 9562): the millisecond, a counter within it (method 1), and 62 random bits per millisecond.

    ``caravan.core.ids.uuid7`` costs ten times as much, for a lock and a system call; here one thread asks, on every
    request. A clock that is set back, or a counter that is full, stays in the last millisecond or borrows the next.
    """

    def __init__(self) -> None:
        self._millisecond = 0
        self._count = _COUNTER
        self._start = b""
        self._end = b""

    def next(self) -> bytes:
        """Return the next id as 36 bytes of ASCII."""
        now = time.time_ns() // 1_000_000
        if now > self._millisecond or self._count >= _COUNTER:
            self._begin(max(now, self._millisecond + 1))
        count = self._count
        self._count = count + 1
        return self._start + _DIGITS[count] + self._end

    def _begin(self, millisecond: int) -> None:
        self._millisecond, self._count = millisecond, 0
        moment = f"{millisecond:012x}"
        tail = f"{int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF | 1 << 63:016x}"
        self._start = f"{moment[:8]}-{moment[8:]}-7".encode()
        self._end = f"-{tail[:4]}-{tail[4:]}".encode()
