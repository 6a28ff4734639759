"""Keeps a body that passes by: the whole of a short one, length and hash of a long one."""

import hashlib

from caravan.migration.exchange import Body
from caravan.migration.gateway.limits import KEPT_BODY

__all__ = ["Capture"]


class Capture:
    """The pieces of one body. Hashing starts only when the body is too long to be kept."""

    __slots__ = ("_hash", "_length", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0
        self._hash: hashlib._Hash | None = None

    def add(self, piece: bytes) -> None:
        """Take the next piece."""
        self._length += len(piece)
        if self._hash is not None:
            self._hash.update(piece)
            return
        self._pieces.append(piece)
        if self._length > KEPT_BODY:
            self._hash = hashlib.sha256(b"".join(self._pieces))
            self._pieces.clear()

    def content(self) -> bytes | None:
        """Return the whole body, or None when it was too long."""
        if self._hash is not None:
            return None
        pieces = self._pieces
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def body(self) -> Body:
        """Return what is known of the body."""
        content = self.content()
        if content is not None:
            return Body.of(content)
        assert self._hash is not None  # noqa: S101 - content() is None only then
        return Body(None, self._length, self._hash.digest())
