"""One connection to a side: carries one request at a time and reads its answer."""

import asyncio
from typing import TYPE_CHECKING, cast

from caravan.migration.gateway.answer_head import UNTIL_CLOSE, AnswerHead, read_answer_head
from caravan.migration.gateway.body_framing import (
    BodyReader,
    ChunkedBody,
    EndlessBody,
    FramingError,
    LengthBody,
)
from caravan.migration.gateway.limits import Limits
from caravan.migration.gateway.refusals import AnswerBrokenError
from caravan.migration.gateway.request_head import CHUNKED

if TYPE_CHECKING:
    from caravan.migration.gateway.flight import Flight
    from caravan.migration.gateway.side_pool import SidePool

__all__ = ["SideConnection"]

_SWITCHING = 101
_FIRST_FINAL = 200
_NO_BODY = LengthBody(0)
_NO_TRAILERS: list[bytes] = []


class SideConnection(asyncio.Protocol):
    """Tells its flight: ``answer_head``, ``answer_data``, ``answer_end``, ``interim``, ``switched``, ``side_lost``.

    ``carried`` counts requests; ``heard`` tells whether any byte of the present answer has come.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_head",
        "_last",
        "_limits",
        "_method",
        "_paused",
        "carried",
        "closing",
        "flight",
        "heard",
        "idle_since",
        "pool",
        "transport",
    )

    def __init__(self, pool: "SidePool", limits: Limits) -> None:
        self.pool = pool
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.flight: Flight | None = None
        self.idle_since = 0.0
        self.carried = 0
        self.heard = False
        self.closing = False
        self._limits = limits
        self._buffer = b""
        self._head: AnswerHead | None = None
        self._last: AnswerHead | None = None
        self._body: BodyReader = _NO_BODY
        self._method = b""
        self._paused = False

    def carry(self, flight: "Flight", method: bytes) -> None:
        """Become the connection of this flight, whose request is written next."""
        self.flight = flight
        self.heard = False
        self.carried += 1
        self._method = method
        self._head = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        flight = self.flight
        if flight is None:  # nobody asked: a late answer, or a notice before closing
            self.close()
            return
        self.heard = True
        if self._buffer:
            data, self._buffer = self._buffer + data, b""
        try:
            head = self._head
            if head is None:
                head, data = self._read_head(flight, data)
                if head is None:
                    return
                if head.length == len(data):  # nearly all answers come whole
                    self._finish(flight, head, data, b"", _NO_TRAILERS)
                    return
                self._body = _body_of(head)
            self._read_body(flight, head, data)
        except (AnswerBrokenError, FramingError) as error:
            self.flight = None
            self.close()
            flight.side_failed(error)

    def _read_body(self, flight: "Flight", head: AnswerHead, data: bytes) -> None:
        body = self._body
        payload, rest = body.feed(data) if data and not body.done else (b"", data)
        if body.done:
            self._body = _NO_BODY
            self._finish(flight, head, payload, rest, body.trailers)
        elif payload:
            flight.answer_data(payload)
        else:
            flight.flush()

    def _read_head(self, flight: "Flight", data: bytes) -> tuple[AnswerHead | None, bytes]:
        """Return the final answer's head, when it is there and wanted, and what follows it."""
        while True:
            end = data.find(b"\r\n\r\n") + 4
            if end < 4:  # noqa: PLR2004 - not found
                if len(data) > self._limits.head_bytes * 2:
                    raise AnswerBrokenError("The answer's head is too long.")
                self._buffer = data
                return None, b""
            head = self._last = read_answer_head(data[:end], self._method, self._last)
            data = data[end:]
            if head.status >= _FIRST_FINAL:
                self._head = head
                return (head, data) if flight.answer_head(head) else (None, b"")
            if head.status == _SWITCHING:
                self._switch(flight, head, data)
                return None, b""
            flight.interim(head)

    def _finish(
        self, flight: "Flight", head: AnswerHead, payload: bytes, rest: bytes, trailers: list[bytes]
    ) -> None:
        self.flight = None
        complete = flight.answer_end(payload, trailers)
        if complete and head.keep_alive and not rest and not self.closing:
            if self._paused:
                self.resume()
            self.pool.give_back(self)
        else:  # it lied about its length, wants to close, or has not read the whole request
            self.close()
        flight.client.answered(whole=complete)

    def _switch(self, flight: "Flight", head: AnswerHead, rest: bytes) -> None:
        if not flight.head.websocket or not head.upgrade:
            raise AnswerBrokenError("The service behind the gateway switched protocols unasked.")
        self.closing = True
        flight.switched(self, head, rest)

    def eof_received(self) -> bool:
        flight, head = self.flight, self._head
        self.closing = True
        if flight is not None and head is not None and head.length == UNTIL_CLOSE:
            self.flight = None
            flight.client.answered(whole=flight.answer_end(b"", []))
        return False

    def connection_lost(self, _exc: Exception | None) -> None:
        self.closing = True
        flight, self.flight = self.flight, None
        self.pool.lost(self)
        if flight is not None:
            flight.side_lost(self)

    def pause_writing(self) -> None:
        if self.flight is not None:
            self.flight.side_is_full()

    def resume_writing(self) -> None:
        if self.flight is not None:
            self.flight.side_has_room()

    def pause(self) -> None:
        """Read no more until ``resume``: the client is slow."""
        if not self._paused and not self.closing:
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._paused:
            self._paused = False
            if not self.closing:
                self.transport.resume_reading()

    def close(self) -> None:
        """End it, with nobody waiting for what may still come."""
        self.closing = True
        self.flight = None
        self.transport.abort()


def _body_of(head: AnswerHead) -> BodyReader:
    length = head.length
    if length == CHUNKED:
        return ChunkedBody()
    return EndlessBody() if length == UNTIL_CLOSE else LengthBody(length)
