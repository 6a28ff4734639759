"""Where a body ends. Payload comes out, framing stays behind: it is written anew, so that nobody's reading of it differs."""

import re
from typing import Final, Protocol

from caravan.migration.gateway.grammar import FIELD_LINES

__all__ = ["BodyReader", "ChunkedBody", "EndlessBody", "FramingError", "LengthBody", "chunk", "last_chunk"]

_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_LONGEST_SIZE_LINE: Final = 1_024
_LONGEST_TRAILER: Final = 16_384
_TRAILER: Final = re.compile(FIELD_LINES)
_NO_TRAILERS: Final = frozenset(
    {b"content-length", b"transfer-encoding", b"host", b"connection", b"authorization", b"cookie", b"trailer"}
)
_SIZE, _DATA, _AFTER, _TRAILERS = range(4)


class FramingError(ValueError):
    """The bytes are no body of this framing."""


class BodyReader(Protocol):
    """Takes a body's bytes as they come."""

    done: bool
    trailers: list[bytes]

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the payload in ``data`` and what stands behind the body's end; raises ``FramingError``."""
        ...


class LengthBody:
    """So many bytes."""

    __slots__ = ("done", "left", "trailers")

    def __init__(self, length: int) -> None:
        self.left = length
        self.done = length == 0
        self.trailers: list[bytes] = []

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        left = self.left - len(data)
        if left > 0:
            self.left = left
            return data, b""
        self.left, self.done = 0, True
        return (data, b"") if left == 0 else (data[:left], data[left:])


class EndlessBody:
    """All that comes, until the connection ends."""

    __slots__ = ("done", "trailers")

    def __init__(self) -> None:
        self.done = False
        self.trailers: list[bytes] = []

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        return data, b""


class ChunkedBody:
    """Chunks as RFC 9112, section 7.1; extensions are read over, trailers kept as lines."""

    __slots__ = ("_left", "_rest", "_state", "done", "trailers")

    def __init__(self) -> None:
        self.done = False
        self.trailers: list[bytes] = []
        self._state = _SIZE
        self._left = 0
        self._rest = b""

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        if self._rest:
            data, self._rest = self._rest + data, b""
        payload: list[bytes] = []
        at, size = 0, len(data)
        while at < size:
            moved = self._DO[self._state](self, data, at, payload)
            if self.done:
                return b"".join(payload), data[moved:]
            if moved == at:
                break
            at = moved
        self._rest = data[at:]
        return (payload[0] if len(payload) == 1 else b"".join(payload)), b""

    def _data(self, data: bytes, at: int, payload: list[bytes]) -> int:
        piece = data[at : at + self._left]
        payload.append(piece)
        self._left -= len(piece)
        if not self._left:
            self._state = _AFTER
        return at + len(piece)

    def _after(self, data: bytes, at: int, _payload: list[bytes]) -> int:
        end = data[at : at + 2]
        if not b"\r\n".startswith(end):
            raise FramingError("a chunk is longer than it says")
        if len(end) < 2:  # noqa: PLR2004 - half a line end
            return at
        self._state = _SIZE
        return at + 2

    def _size_line(self, data: bytes, at: int, _payload: list[bytes]) -> int:
        found = _SIZE_LINE.match(data, at, at + _LONGEST_SIZE_LINE)
        if found is None:
            line, end, _ = data[at : at + _LONGEST_SIZE_LINE].partition(b"\n")
            hopeless = end or len(line) == _LONGEST_SIZE_LINE or not re.match(rb"[0-9A-Fa-f]", line)
            if hopeless or re.match(rb"[0-9A-Fa-f]{16}|[0-9A-Fa-f]+[^0-9A-Fa-f \t;\r]", line):
                raise FramingError("a chunk has no size")
            return at
        self._left = int(found[1], 16)
        self._state = _DATA if self._left else _TRAILERS
        return found.end()

    def _trailer_lines(self, data: bytes, at: int, _payload: list[bytes]) -> int:
        """Return the place behind the body when it ends here."""
        if data[at : at + 2] == b"\r\n":
            self.done = True
            return at + 2
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            if len(data) - at > _LONGEST_TRAILER or b"\n" in data[at:].replace(b"\r\n", b""):
                raise FramingError("the trailers are too long, or no header lines")
            return at
        if end - at > _LONGEST_TRAILER or not _TRAILER.fullmatch(data, at, end + 2):
            raise FramingError("the trailers are no header lines")
        for line in data[at:end].split(b"\r\n"):
            if line.partition(b":")[0].lower() in _NO_TRAILERS:
                raise FramingError("a trailer says what only a header may")
            self.trailers.append(line)
        self.done = True
        return end + 4

    _DO = (_size_line, _data, _after, _trailer_lines)


def chunk(payload: bytes) -> bytes:
    """Return the payload as one chunk."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def last_chunk(trailers: list[bytes]) -> bytes:
    """Return what ends a chunked body."""
    return b"".join([b"0\r\n", *(line + b"\r\n" for line in trailers), b"\r\n"])
