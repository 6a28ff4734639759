"""One request on its way: from its head to the last byte of its answer, over one side or, where that is safe, the other."""

from time import monotonic
from typing import TYPE_CHECKING, Final

from caravan.migration.gateway.answer_head import UNTIL_CLOSE, AnswerHead
from caravan.migration.gateway.body_framing import (
    BodyReader,
    ChunkedBody,
    FramingError,
    LengthBody,
    chunk,
    last_chunk,
)
from caravan.migration.gateway.capture import Capture
from caravan.migration.gateway.decision import Decision
from caravan.migration.gateway.forwarding import answer_bytes, interim_bytes, request_bytes
from caravan.migration.gateway.limits import KEPT_BODY
from caravan.migration.gateway.plan import Side
from caravan.migration.gateway.refusals import (
    AnswerBrokenError,
    AnswerLateError,
    BodyLateError,
    LeaseLostError,
    Refusal,
    RequestMalformedError,
    SideUnreachableError,
    UnitHeldError,
)
from caravan.migration.gateway.request_head import CHUNKED, RequestHead

if TYPE_CHECKING:
    from caravan.migration.gateway.client_connection import ClientConnection
    from caravan.migration.gateway.data_path import DataPath
    from caravan.migration.gateway.side_connection import SideConnection
    from caravan.migration.gateway.side_pool import SidePool

__all__ = ["Flight"]

_FALLBACK_STATUSES: Final = frozenset({500, 502, 503, 504})
_PENDING: Final = 65_536
_REPLAYABLE: Final = 65_536


class Flight:
    """Joins a client's connection to a side's.

    What may be sent a second time: a request of which no byte was sent; and a read that was sent whole and unanswered,
    as long as its body is still here.
    """

    # Class attributes are the defaults: most requests set few of them, and one of these is made for every request.
    finished = False
    answered = False
    fell_back = False
    tapped = False
    refused = ""
    counted = ""
    status = 0
    sent_bytes = 0
    pending_bytes = 0
    answer_head_read: AnswerHead | None = None
    request_capture: Capture | None = None
    answer_capture: Capture | None = None
    _pool: "SidePool | None" = None
    _upstream: "SideConnection | None" = None
    _body: BodyReader | None = None
    _pending: list[bytes] | None = None
    _kept: list[bytes] | None = None
    _kept_bytes = 0
    _retried = False
    _answer_chunked = False
    _out = b""

    def __init__(
        self, client: "ClientConnection", head: RequestHead, decision: Decision, path: "DataPath"
    ) -> None:
        self.client = client
        self.head = head
        self.decision = decision
        self.started = self.received = monotonic()
        self.side: Side = decision.side
        self._path = path
        if head.request_id:
            self.request_id, self._own_id = head.request_id, b""
        else:
            self.request_id = self._own_id = path.ids.next()
        if head.length:
            self._body = ChunkedBody() if head.length == CHUNKED else LengthBody(head.length)

    # From the client.

    @property
    def wants_body(self) -> bool:
        """Whether the request's body has not ended yet."""
        return self._body is not None

    @property
    def is_held(self) -> bool:
        """Whether it waits for its unit to be released."""
        return self.decision.action == "hold" and not self.finished

    def begin(self) -> None:
        """Do what was decided."""
        decision = self.decision
        if decision.action == "send":
            if decision.unit is not None and decision.write:
                self.counted = decision.unit.name
                self._path.writes_begun(self.counted)
            self._dispatch(decision.side, fresh=False)
        elif decision.action == "refuse":
            self.refuse(LeaseLostError())
        elif not self._path.holds.take(self):
            self.refuse(UnitHeldError("Too many writes of this kind are waiting for a switch."))

    def decide_again(self, decision: Decision) -> None:
        """Go on after having been held."""
        if not self.finished:
            self.decision = decision
            self.client.touch(self._path.limits.answer_seconds)
            self.begin()

    def request_data(self, data: bytes) -> bytes:
        """Take bytes of the body; return what stands behind its end."""
        body = self._body
        if body is None:
            return data
        try:
            payload, rest = body.feed(data)
        except FramingError as error:
            self.refuse(RequestMalformedError(f"The body is not well-formed: {error}."))
            return b""
        if self.request_capture is not None and payload:
            self.request_capture.add(payload)
        if self.head.length == CHUNKED:
            encoded = chunk(payload) if payload else b""
            if body.done:
                encoded += last_chunk(body.trailers)
        else:
            encoded = payload
        if body.done:
            self._body = None
            self.received = monotonic()
        if encoded:
            self._forward(encoded)
        return rest

    def _forward(self, encoded: bytes) -> None:
        if self.finished:
            return
        if not self.decision.write:
            self._keep(encoded)
        upstream = self._upstream
        if upstream is not None:
            upstream.transport.write(encoded)
            self.client.touch(self._path.limits.body_seconds)
            return
        if self._pending is None:
            self._pending = []
        self._pending.append(encoded)
        self.pending_bytes += len(encoded)
        if self.is_held:
            if self.pending_bytes > KEPT_BODY or not self._path.holds.grown(self, len(encoded)):
                self.refuse(UnitHeldError("Only bodies of up to 1 MiB can wait for a switch."))
        elif self.pending_bytes > _PENDING:
            self.client.pause("pending")

    def _keep(self, encoded: bytes) -> None:
        """Keep a short body of a read, which may have to be sent again."""
        self._kept_bytes += len(encoded)
        if self._kept_bytes > _REPLAYABLE:
            self._kept = None
        elif self._kept is None:
            self._kept = [encoded]
        else:
            self._kept.append(encoded)

    def client_lost(self) -> None:
        """The client has gone: nobody wants the answer."""
        if self.finished:
            return
        self._abandon_side()
        self._finish(self.status or 499)

    # Between them.

    def _dispatch(self, side: Side, *, fresh: bool) -> None:
        self.side = side
        self._pool = pool = self._path.pools[side]
        pool.ask(self, fresh=fresh)

    def connected(self, connection: "SideConnection") -> None:
        """Take a connection and send what there is of the request."""
        self._upstream = connection
        head, path = self.head, self._path
        connection.carry(self, head.method)
        start = request_bytes(
            head,
            self.client.forwarded.lines(head),
            self._own_id,
            host=connection.pool.host,
            strip=path.table.strip,
        )
        if self._pending:
            start = b"".join([start, *self._pending])
            self._pending = None
            self.pending_bytes = 0
            self.client.resume("pending")
        connection.transport.write(start)

    def unconnected(self, refusal: Refusal) -> None:
        """No connection could be made: no byte was sent, so the other side may answer where the route allows it."""
        if self.finished:
            return
        if self._may_fall_back(sent=False):
            self._fall_back()
        else:
            self.refuse(refusal)

    def _may_fall_back(self, *, sent: bool) -> bool:
        decision = self.decision
        if not decision.fallback or self.side != "new" or self.answered:
            return False
        return not sent or (not decision.write and self._replayable)

    @property
    def _replayable(self) -> bool:
        return self.head.length == 0 or (self._body is None and self._kept_bytes <= _REPLAYABLE)

    def _fall_back(self) -> None:
        self._path.counts.fallbacks += 1
        self.fell_back = True
        self._send_again("old")

    def _send_again(self, side: Side) -> None:
        self._abandon_side()
        if self._kept and not self._pending:
            self._pending = list(self._kept)
        self.client.touch(self._path.limits.answer_seconds)
        self._dispatch(side, fresh=True)

    def _abandon_side(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.close()

    # From the side.

    def interim(self, head: AnswerHead) -> None:
        """Pass on an interim answer to a client that knows such."""
        if self.head.minor:
            self.client.transport.write(interim_bytes(head))

    def answer_head(self, head: AnswerHead) -> bool:
        """Send the answer's head to the client; False when the answer is not wanted and the other side is asked."""
        if head.status in _FALLBACK_STATUSES and self._may_fall_back(sent=True):
            self._fall_back()
            return False
        client = self.client
        if self._body is not None or (not self.head.minor and head.length in (CHUNKED, UNTIL_CLOSE)):
            client.keep_alive = False
        self.answered = True
        self.status = head.status
        self.answer_head_read = head
        self._answer_chunked = bool(self.head.minor and head.length in (CHUNKED, UNTIL_CLOSE))
        # Written with what follows it: one call of the system for a whole short answer.
        self._out = answer_bytes(head, minor=self.head.minor, close=not client.keep_alive)
        return True

    def flush(self) -> None:
        """Send what is still kept of the answer's head: nothing followed it yet."""
        client = self.client
        if self._out:
            client.transport.write(self._out)
            self._out = b""
        client.touch(self._path.limits.stream_seconds)

    def answer_data(self, payload: bytes) -> None:
        """Send a piece of the answer's body on."""
        self.sent_bytes += len(payload)
        if self.answer_capture is not None:
            self.answer_capture.add(payload)
        client = self.client
        if self._answer_chunked:
            payload = chunk(payload)
        if self._out:
            payload, self._out = self._out + payload, b""
        client.transport.write(payload)
        client.touch(self._path.limits.stream_seconds)

    def answer_end(self, payload: bytes, trailers: list[bytes]) -> bool:
        """Send the end of the answer; False when the side has not been sent the whole request."""
        client = self.client
        if payload:
            self.sent_bytes += len(payload)
            if self.answer_capture is not None:
                self.answer_capture.add(payload)
        if self._answer_chunked:
            payload = (chunk(payload) if payload else b"") + last_chunk(trailers)
        if self._out:
            payload, self._out = self._out + payload, b""
        if payload:
            client.transport.write(payload)
        self._upstream = None
        self._finish(self.status)
        return self._body is None

    def switched(self, connection: "SideConnection", head: AnswerHead, rest: bytes) -> None:
        """Turn both connections into a tunnel."""
        self.status = head.status
        self.answered = True
        self._upstream = None
        connection.flight = None
        self._finish(head.status)
        self.client.become_tunnel(connection, head, rest)

    def side_lost(self, connection: "SideConnection") -> None:
        """The side's connection ended before its answer did."""
        if self.finished or self._upstream is not connection:
            return
        self._upstream = None
        if not self.answered and not connection.heard and not self._retried and self._may_retry(connection):
            self._retried = True
            self._send_again(self.side)
        else:
            self.side_failed(AnswerBrokenError())

    def _may_retry(self, connection: "SideConnection") -> bool:
        # A server may close an idle connection just when we use it; a read can simply be sent again.
        return connection.carried > 1 and not self.decision.write and self._replayable

    def side_failed(self, error: Exception) -> None:
        """The side broke off, or answered something that is no answer."""
        self._upstream = None
        if self.finished:
            return
        if self._may_fall_back(sent=True):
            self._fall_back()
        elif self.answered:
            self.abort()
        else:
            self.refuse(error if isinstance(error, Refusal) else AnswerBrokenError())

    def side_is_full(self) -> None:
        """Stop reading the request until the side takes more."""
        if self._body is not None:
            self.client.pause("side")

    def side_has_room(self) -> None:
        """Read on."""
        self.client.resume("side")

    def client_is_full(self) -> None:
        """Stop reading the answer until the client takes more."""
        if self._upstream is not None:
            self._upstream.pause()

    def client_has_room(self) -> None:
        """Read on."""
        if self._upstream is not None:
            self._upstream.resume()

    # Ends.

    def expired(self) -> None:
        """Too much time has passed without a byte."""
        if self.answered:
            self.abort()
        elif self.is_held:
            self.refuse(UnitHeldError())
        elif self._upstream is None:
            self._waited_too_long()
        elif self._body is not None and not self.client.paused:
            self.refuse(BodyLateError())
        elif self._may_fall_back(sent=True):
            self._fall_back()
        else:
            self.refuse(AnswerLateError())

    def _waited_too_long(self) -> None:
        if self._pool is not None:
            self._pool.forget(self, SideUnreachableError("No connection to the service became free in time."))

    def refuse(self, refusal: Refusal) -> None:
        """Answer in our own words, or break off when the answer has begun."""
        if self.finished:
            return
        if self.answered:
            self.abort()
            return
        self._abandon_side()
        self.refused = refusal.code
        self._finish(refusal.status)
        self.client.refuse(refusal, request_id=self.request_id, method=self.head.method)

    def abort(self) -> None:
        """Break the client's connection off: an answer that was cut must not look whole."""
        self._abandon_side()
        self._out = b""
        self.refused = self.refused or "gateway.answer_cut"
        self._finish(self.status)
        self.client.abort()

    def _finish(self, status: int) -> None:
        if self.finished:
            return
        self.finished = True
        self.status = status
        self._pending = self._kept = None
        self._path.landed(self)
