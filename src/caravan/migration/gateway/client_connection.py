"""A client's connection: reads heads one after another, so that answers leave in the order of the requests."""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from caravan.migration.gateway.answer_head import AnswerHead
from caravan.migration.gateway.flight import Flight
from caravan.migration.gateway.forwarding import ForwardedLines, switching_bytes
from caravan.migration.gateway.refusals import (
    HeadTooLargeError,
    Refusal,
    RequestLateError,
    refusal_bytes,
)
from caravan.migration.gateway.request_head import RequestHead, read_request_head, refuse_hopeless_start
from caravan.migration.gateway.tunnel import open_tunnel

if TYPE_CHECKING:
    from caravan.migration.gateway.data_path import DataPath
    from caravan.migration.gateway.side_connection import SideConnection

__all__ = ["ClientConnection"]

_Reason: TypeAlias = Literal["pipeline", "pending", "side"]
_BITS: Final[dict[_Reason, int]] = {"pipeline": 1, "pending": 2, "side": 4}
_DISCARDED: Final = 1_048_576
_CR: Final = 0x0D


class ClientConnection(asyncio.Protocol):
    """``deadline`` (monotonic) is when it has waited long enough; the sweep calls ``expired`` then."""

    __slots__ = (
        "_buffer",
        "_discarded",
        "_flight",
        "_half_closed",
        "_head_awaited",
        "_last",
        "_lingering",
        "_passed_over",
        "_path",
        "_paused",
        "deadline",
        "forwarded",
        "keep_alive",
        "transport",
    )

    def __init__(self, path: "DataPath") -> None:
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.deadline = 0.0
        self.keep_alive = True
        self.forwarded: ForwardedLines = cast("ForwardedLines", None)
        self._path = path
        self._buffer = b""
        self._flight: Flight | None = None
        self._paused = 0
        self._lingering = False
        self._half_closed = False
        self._discarded = 0
        self._passed_over = False
        self._head_awaited = False
        self._last: RequestHead | None = None

    @property
    def paused(self) -> bool:
        """Whether nothing is read from the client at the moment."""
        return self._paused != 0

    def touch(self, seconds: float) -> None:
        """Move the deadline: something has happened."""
        if self._half_closed:
            seconds = min(seconds, self._path.limits.half_closed_seconds)
        self.deadline = monotonic() + seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        path = self._path
        peer = transport.get_extra_info("peername")
        address = peer[0] if isinstance(peer, tuple) else ""
        scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self.forwarded = ForwardedLines(address, scheme, path.proxies)
        if not path.joined(self):
            self.transport.abort()
            return
        self.touch(path.limits.head_seconds)

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            self._discarded += len(data)
            if self._discarded > _DISCARDED:
                self.transport.abort()
            return
        flight = self._flight
        if flight is None:
            self._buffer = self._buffer + data if self._buffer else data
            self._read_head()
        elif flight.wants_body:
            self._buffer = flight.request_data(data)
        else:
            self._buffer += data
            if len(self._buffer) > self._path.limits.pipelined_bytes:
                self.pause("pipeline")

    def _read_head(self) -> None:
        buffer, path = self._buffer, self._path
        if buffer[0] == _CR and buffer[:2] == b"\r\n" and not self._passed_over:
            buffer = buffer[2:]  # RFC 9112, section 2.2: an empty line before a request is passed over, once
            self._passed_over = True
        end = buffer.find(b"\r\n\r\n") + 4
        try:
            if end < 4:  # noqa: PLR2004 - not found
                self._wait_for_head(buffer)
                return
            if end > path.limits.head_bytes:
                raise HeadTooLargeError(f"The head may have {path.limits.head_bytes} bytes.")
            head = read_request_head(buffer[:end], path.limits, self._last)
            self._last = head
        except Refusal as refusal:
            path.refused(refusal)
            self.refuse(refusal)
            return
        self._start(head, buffer[end:])

    def _wait_for_head(self, buffer: bytes) -> None:
        if buffer:
            refuse_hopeless_start(buffer, self._path.limits)
            if not self._head_awaited:  # the time runs from a head's first byte; later ones do not extend it
                self._head_awaited = True
                self.touch(self._path.limits.head_seconds)
        self._buffer = buffer

    def _start(self, head: RequestHead, rest: bytes) -> None:
        path = self._path
        self.keep_alive = head.keep_alive and not path.draining
        self._passed_over = self._head_awaited = False
        flight = self._flight = Flight(self, head, path.decide(head, self.forwarded), path)
        path.launched(flight)
        if head.length:
            self.touch(path.limits.body_seconds)
            self._buffer = flight.request_data(rest) if rest else b""
        else:
            self.touch(path.limits.answer_seconds)
            self._buffer = rest
        if not flight.finished:
            flight.begin()

    def answered(self, *, whole: bool) -> None:
        """The flight's answer has been written; ``whole`` tells whether its request had been read."""
        self._flight = None
        if not whole:
            self._linger()
        elif not self.keep_alive or self._half_closed:
            self.transport.close()
        else:
            if self._paused:
                self.resume("side")
                self.resume("pending")
                self.resume("pipeline")
            if self._buffer:
                self.touch(self._path.limits.head_seconds)
                self._read_head()
            else:
                self.touch(self._path.limits.idle_seconds)

    def refuse(self, refusal: Refusal, *, request_id: bytes = b"", method: bytes = b"") -> None:
        """Answer with a refusal and close, reading a little on so that the answer is not lost on the way."""
        self._flight = None
        self.transport.write(refusal_bytes(refusal, request_id=request_id, with_body=method != b"HEAD"))
        self._linger()

    def _linger(self) -> None:
        self._lingering = True
        self._buffer = b""
        self.touch(self._path.limits.linger_seconds)
        for reason in _BITS:
            self.resume(reason)
        if self._half_closed or not self.transport.can_write_eof():
            self.transport.close()
        else:
            self.transport.write_eof()

    def abort(self) -> None:
        """Break the connection off."""
        self._flight = None
        self.transport.abort()

    def become_tunnel(self, connection: "SideConnection", head: AnswerHead, rest: bytes) -> None:
        """Hand the connection over: from here on bytes pass both ways unread."""
        self._flight = None
        self.transport.write(switching_bytes(head) + rest)
        open_tunnel(self._path, self.transport, connection, self._buffer)
        self._path.left(self)

    def expired(self) -> None:
        """Too much time has passed."""
        flight = self._flight
        if flight is not None:
            flight.expired()
        elif self._lingering or not self._buffer:
            self.transport.abort()
        else:
            refusal = RequestLateError()
            self._path.refused(refusal)
            self.refuse(refusal)

    def drain(self) -> None:
        """Close now when idle; else after the answer."""
        self.keep_alive = False
        if self._flight is None and not self._buffer and not self._lingering:
            self.transport.close()

    def eof_received(self) -> bool:
        flight = self._flight
        if flight is None or flight.wants_body or self.transport.get_extra_info("sslcontext"):
            return False
        self._half_closed = True  # it may still read: finish, unless writing shows that it does not
        self.touch(self._path.limits.half_closed_seconds)
        return True

    def connection_lost(self, _exc: Exception | None) -> None:
        self._path.left(self)
        flight, self._flight = self._flight, None
        if flight is not None:
            flight.client_lost()

    def pause_writing(self) -> None:
        if self._flight is not None:
            self._flight.client_is_full()

    def resume_writing(self) -> None:
        if self._flight is not None:
            self._flight.client_has_room()

    def pause(self, reason: _Reason) -> None:
        """Read no more until nobody wants the pause any longer."""
        if not self._paused and not self.transport.is_closing():
            self.transport.pause_reading()
        self._paused |= _BITS[reason]

    def resume(self, reason: _Reason) -> None:
        """Give up one reason for the pause."""
        if not self._paused:
            return
        self._paused &= ~_BITS[reason]
        if not self._paused and not self.transport.is_closing():
            self.transport.resume_reading()
