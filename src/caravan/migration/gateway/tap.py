"""Copies of exchanges for whoever compares them. Handing one over never waits: when nobody keeps up, copies are dropped and counted."""

import hashlib
import struct
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from caravan.core.ids import uuid7
from caravan.migration.exchange import Answer, Body, Exchange, Headers, Request

__all__ = ["Copy", "CopyError", "TapSink", "decode_copy", "encode_copy"]

_FIXED: Final = struct.Struct("!ddHHHIIqI32sqI32s")
_NO_HASH: Final = bytes(32)


class CopyError(ValueError):
    """The bytes are no copy of an exchange."""


class Copy(NamedTuple):
    """An exchange as the gateway has it at hand: heads as bytes, so that making one costs next to nothing.

    ``at`` is seconds since 1970, when the request had arrived whole; ``seconds`` runs from then to the answer's last byte.
    ``client`` is the cohort key's hash, else the address; ``tags`` say what the gateway knows, separated by spaces:
    ``side:old`` or ``side:new`` answered, ``member`` or ``other`` in a canary, ``fell-back``.
    """

    request_id: bytes
    at: float
    seconds: float
    request: bytes
    request_body: bytes | Body
    answer: bytes
    answer_body: bytes | Body
    client: bytes
    tags: bytes


class TapSink(Protocol):
    """Where copies go. Without ``room`` none are made: an exchange that would be dropped costs a client nothing."""

    room: bool

    def offer(self, copy: Copy) -> bool:
        """Take a copy, at once; False when there is no room and it was dropped."""
        ...


def encode_copy(copy: Copy) -> bytes:
    """Return the copy as bytes that ``decode_copy`` reads."""
    request_length, request_hash, request_body = _parts(copy.request_body)
    answer_length, answer_hash, answer_body = _parts(copy.answer_body)
    fixed = _FIXED.pack(
        copy.at,
        copy.seconds,
        len(copy.request_id),
        len(copy.client),
        len(copy.tags),
        len(copy.request),
        len(copy.answer),
        request_length,
        len(request_body),
        request_hash,
        answer_length,
        len(answer_body),
        answer_hash,
    )
    return b"".join(
        [fixed, copy.request_id, copy.client, copy.tags, copy.request, copy.answer, request_body, answer_body]
    )


def _parts(body: bytes | Body) -> tuple[int, bytes, bytes]:
    """Return length, hash (zeros where the content is there) and content of a body."""
    if isinstance(body, bytes):
        return len(body), _NO_HASH, body
    return body.length, body.sha256, body.content or b""


def decode_copy(data: bytes) -> Exchange:
    """Return the exchange; raises ``CopyError``."""
    if len(data) < _FIXED.size:
        raise CopyError("shorter than a copy's fixed part")
    (at, seconds, id_length, client, tags, request, answer, *bodies) = _FIXED.unpack_from(data)
    pieces = _Pieces(data, _FIXED.size)
    request_id = pieces.take(id_length).decode("latin-1")
    who, said = pieces.take(client), pieces.take(tags)
    head, answer_head = pieces.take(request), pieces.take(answer)
    asked = _body(pieces.take(bodies[1]), bodies[0], bodies[2])
    answered = _body(pieces.take(bodies[4]), bodies[3], bodies[5])
    method, target, headers = _request_head(head)
    status, answer_headers = _answer_head(answer_head)
    failure = None if status else "no answer"
    return Exchange(
        _id(request_id),
        datetime.fromtimestamp(at, UTC),
        Request(method, target, headers, asked),
        Answer(status, answer_headers, answered, seconds, failure),
        who.decode("latin-1"),
        (*said.decode("latin-1").split(), f"request:{request_id}"),
    )


def _id(request_id: str) -> UUID:
    """Return the request's own id when it is a UUID, else a new one."""
    try:
        return UUID(request_id)
    except ValueError:
        return uuid7()


class _Pieces:
    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        if len(piece) != size:
            raise CopyError("cut short")
        self._at += size
        return piece


def _body(content: bytes, length: int, digest: bytes) -> Body:
    if len(content) == length:
        return Body(content, length, hashlib.sha256(content).digest())
    return Body(None, length, digest)


def _headers(lines: list[str]) -> Headers:
    pairs = (line.partition(":") for line in lines if line)
    return tuple((name, value.strip(" \t")) for name, _, value in pairs)


def _request_head(head: bytes) -> tuple[str, str, Headers]:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    target, _, version = rest.partition(" ")
    if not version:
        raise CopyError("its request has no first line")
    return method, target, _headers(lines)


def _answer_head(head: bytes) -> tuple[int, Headers]:
    if not head:
        return 0, ()
    first, *lines = head.decode("latin-1").split("\r\n")
    return int(first[9:12]), _headers(lines)
