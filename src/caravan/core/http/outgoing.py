"""The sending side of one request: headers every answer has, and HEAD answered from GET."""

import time
from functools import lru_cache
from typing import Final

from starlette.types import Message, Receive, Send

from caravan.core.http.context import RequestContext
from caravan.core.limits import Limit, Verdict

__all__ = ["Outgoing"]

_FIXED_HEADERS: Final = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"geolocation=(), microphone=(), camera=()"),
    (b"strict-transport-security", b"max-age=15552000; includeSubDomains"),
)
_POLICY: Final = (
    b"content-security-policy",
    b"default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
)


class Outgoing:
    """The sending side of one request: adds headers, counts, and answers HEAD with GET's headers alone."""

    def __init__(
        self, send: Send, context: RequestContext, limit: Limit, verdict: Verdict | None, *, head: bool
    ) -> None:
        self._send = send
        self._context = context
        self._limit = limit
        self._verdict = verdict
        self.head = head
        self.started = False
        self.complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._context.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *self._headers(message)]}
            await self._send(message)
            if self.head:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
                self.complete = True
            return
        more = message.get("more_body", False)
        if self.complete:
            if more:
                raise OSError(
                    "the reader of a HEAD answer has all it wants"
                )  # how a stream learns that nobody reads
            return
        self._context.sent += len(message.get("body", b""))
        await self._send(message)
        self.complete = not more

    def receive_for_head(self, receive: Receive) -> Receive:
        """Tell a streaming answer that its reader has left once the headers are out."""

        async def received() -> Message:
            return {"type": "http.disconnect"} if self.complete else await receive()

        return received

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        own = {name for name, _ in message.get("headers", ())}
        added = [(b"x-request-id", self._context.request_id.encode()), *_FIXED_HEADERS]
        if _POLICY[0] not in own:
            added.append(_POLICY)
        if self._verdict is not None:
            limit, verdict = self._limit, self._verdict
            added += _announced(limit)
            added += [
                (b"ratelimit", b'"%b";r=%d;t=%d' % (limit.name.encode(), verdict.remaining, verdict.reset)),
                (b"x-ratelimit-remaining", b"%d" % verdict.remaining),
                (b"x-ratelimit-reset", b"%d" % (int(time.time()) + verdict.reset)),
            ]
        return added


@lru_cache(maxsize=16)
def _announced(limit: Limit) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that say what the limit is."""
    policy = b'"%b";q=%d;w=%d' % (limit.name.encode(), limit.requests, limit.seconds)
    return ((b"ratelimit-policy", policy), (b"x-ratelimit-limit", b"%d" % limit.requests))
