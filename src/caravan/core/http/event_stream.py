"""Server-sent events: a page hears that something has changed, for as long as its reader stays and stays logged in."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final
from weakref import WeakKeyDictionary

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from caravan.core.database import Database
from caravan.core.http.streams import StreamsBusyError

__all__ = ["EventStream", "WatchersBusyError"]

_AT_ONCE: Final = 32
_PAUSE: Final = 1.0
_HEARTBEAT: Final = 15.0
_LONGEST: Final = 600.0
_open: WeakKeyDictionary[Database, int] = WeakKeyDictionary()


class WatchersBusyError(StreamsBusyError):
    code = "watchers_busy"
    status = 503
    title = "Too many pages watch at once"
    fix = "The page still shows what it was loaded with; load it again to see what is new."


class EventStream(Response):
    """Sends ``changed`` with a mark whenever ``mark`` returns another one; asked for once a second.

    ``still`` is awaited before each look and ends the stream when it is False: the session is over, or the right is gone. The
    stream ends after ten minutes in any case, and browsers open it again. At most 32 run per process.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        database: Database,
        mark: Callable[[], Awaitable[str]],
        still: Callable[[], Awaitable[bool]],
        *,
        pause: float = _PAUSE,
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._database = database
        self._mark = mark
        self._still = still
        self._pause = pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") == "HEAD":
            await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        if _open.get(self._database, 0) >= _AT_ONCE:
            raise WatchersBusyError(f"{_AT_ONCE} pages are watching this process.")
        _open[self._database] = _open.get(self._database, 0) + 1
        watching = asyncio.ensure_future(self._watch(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({watching, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                await watching
        finally:
            _open[self._database] -= 1
            for task in (watching, leaving):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

    async def _watch(self, send: Send) -> None:
        known, said, ends = await self._mark(), time.monotonic(), time.monotonic() + _LONGEST
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": self.raw_headers})
        with contextlib.suppress(OSError):  # the reader has left
            await _event(send, f"event: watching\ndata: {known}\n\n")
            while time.monotonic() < ends and await self._still():
                mark = await self._mark()
                if mark != known:
                    known, said = mark, time.monotonic()
                    await _event(send, f"event: changed\ndata: {mark}\n\n")
                elif time.monotonic() - said > _HEARTBEAT:
                    said = time.monotonic()
                    await _event(send, ": still here\n\n")
                await asyncio.sleep(self._pause)
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _event(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
