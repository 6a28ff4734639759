"""Answers that are streamed: CSV of any length in flat memory, at the reader's pace, gone when the reader goes."""

import asyncio
import contextlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from caravan.core.database import Database
from caravan.core.database.copy_out import copy_csv
from caravan.core.errors import CaravanError

__all__ = ["CsvStream", "StreamsBusyError"]

_AT_ONCE: Final = 4
_PATIENCE: Final = 5.0
_slots: WeakKeyDictionary[Database, asyncio.Semaphore] = WeakKeyDictionary()


class StreamsBusyError(CaravanError):
    code = "streams_busy"
    status = 503
    title = "Too many exports at once"
    fix = "Wait until a running export has ended, then ask again."

    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": "10"}


class _ReaderLeft(Exception):  # noqa: N818 - a signal to end the copy, no error
    """Nobody reads any more."""


class CsvStream(Response):
    """The rows of one statement as CSV.

    The head goes out with the first bytes, so that an error before them is still an answer; one behind them cuts the
    connection. At most four run per process, each on a connection of its own.
    """

    media_type = "text/csv"

    def __init__(
        self,
        database: Database,
        org: UUID,
        statement: str,
        *arguments: object,
        filename: str,
    ) -> None:
        super().__init__(headers={"Content-Disposition": f'attachment; filename="{filename}"'})
        del self.headers["content-length"]
        self._database = database
        self._org = org
        self._statement = statement
        self._arguments = arguments

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        slots = _slots.setdefault(self._database, asyncio.Semaphore(_AT_ONCE))
        try:
            async with asyncio.timeout(_PATIENCE):
                await slots.acquire()
        except TimeoutError:
            raise StreamsBusyError(f"{_AT_ONCE} exports are running in this process.") from None
        try:
            await self._stream_to(receive, send)
        finally:
            slots.release()

    async def _stream_to(self, receive: Receive, send: Send) -> None:
        copying = asyncio.ensure_future(self._copy(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({copying, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if copying.done():
                await copying
        finally:
            for task in (copying, leaving):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

    async def _copy(self, send: Send) -> None:
        started = False

        async def sink(chunk: bytes) -> None:
            nonlocal started
            try:
                if not started:
                    started = True
                    await send(
                        {"type": "http.response.start", "status": HTTPStatus.OK, "headers": self.raw_headers}
                    )
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            except OSError as error:
                raise _ReaderLeft from error

        with contextlib.suppress(_ReaderLeft):
            await copy_csv(self._database, self._org, self._statement, *self._arguments, sink=sink)
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
