"""The port for operators: is it alive, is it ready, what does it count. Never the port of the clients."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from caravan.core.telemetry.metrics import CONTENT_TYPE, exposition

__all__ = ["AdminPort"]

_JSON: Final = "application/json"
_PATIENCE: Final = 5.0


class AdminPort:
    """Answers GET /livez, /readyz, /status and /metrics, one request per connection."""

    def __init__(self, ready: Callable[[], Mapping[str, Any]], hand_over: Callable[[], None]) -> None:
        self._ready = ready
        self._hand_over = hand_over

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            async with asyncio.timeout(_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            return _written(405, _JSON, b'{"error":"only GET"}')
        if path == b"/livez":
            return _written(200, _JSON, b'{"status":"alive"}')
        if path in (b"/readyz", b"/status"):
            state = self._ready()
            status = 200 if path == b"/status" or state["status"] == "ready" else 503
            return _written(status, _JSON, orjson.dumps(state))
        if path == b"/metrics":
            self._hand_over()
            return _written(200, CONTENT_TYPE, exposition())
        return _written(404, _JSON, b'{"error":"only /livez, /readyz, /status, /metrics"}')


def _written(status: int, kind: str, body: bytes) -> bytes:
    reason = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}[status]
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
