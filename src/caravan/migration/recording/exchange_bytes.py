"""An exchange as bytes and back: a JSON head, then the two bodies as they are."""

import struct
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from caravan.migration.exchange import Answer, Body, Exchange, Headers, Request

__all__ = ["exchange_of", "microseconds", "moment", "to_bytes"]

_HEAD: Final = struct.Struct(">I")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_bytes(exchange: Exchange) -> bytes:
    """Return the exchange as bytes that ``exchange_of`` reads back.

    Raises:
        TypeError: a text holds half a surrogate pair.
    """
    request, answer = exchange.request, exchange.answer
    head = orjson.dumps(
        {
            "i": exchange.id.hex,
            "a": microseconds(exchange.at),
            "m": request.method,
            "t": request.target,
            "h": request.headers,
            "b": _told(request.body),
            "s": answer.status,
            "sh": answer.headers,
            "sb": _told(answer.body),
            "d": answer.seconds,
            "f": answer.failure,
            "c": exchange.client,
            "g": exchange.tags,
        }
    )
    return b"".join((_HEAD.pack(len(head)), head, request.body.content or b"", answer.body.content or b""))


def exchange_of(data: memoryview) -> Exchange:
    """Return the exchange whose bytes these are."""
    (size,) = _HEAD.unpack_from(data)
    begin = _HEAD.size + size
    head: dict[str, Any] = orjson.loads(data[_HEAD.size : begin])
    asked, rest = _body(head["b"], data[begin:])
    answered, _ = _body(head["sb"], rest)
    return Exchange(
        id=UUID(hex=head["i"]),
        at=moment(head["a"]),
        request=Request(head["m"], head["t"], _headers(head["h"]), asked),
        answer=Answer(head["s"], _headers(head["sh"]), answered, head["d"], head["f"]),
        client=head["c"],
        tags=tuple(head["g"]),
    )


def microseconds(at: datetime) -> int:
    """Return the microseconds since 1970, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(microseconds: int) -> datetime:
    """Return the moment, aware, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _told(body: Body) -> tuple[int, int, str]:
    """Kept bytes (-1: none were kept), length, hash."""
    return (-1 if body.content is None else len(body.content), body.length, body.sha256.hex())


def _body(told: tuple[int, int, str], data: memoryview) -> tuple[Body, memoryview]:
    kept, length, sha256 = told
    if kept < 0:
        return Body(None, length, bytes.fromhex(sha256)), data
    return Body(bytes(data[:kept]), length, bytes.fromhex(sha256)), data[kept:]


def _headers(pairs: list[list[str]]) -> Headers:
    return tuple((name, value) for name, value in pairs)
