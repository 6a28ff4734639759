"""The answer to a dry run: held until it is known that all was undone, with the changed rows behind its body."""

from http import HTTPStatus
from typing import Final

from starlette.types import Message, Send

from caravan.core.database.dry_run import DryRun, DryRunNotRunError
from caravan.core.errors import CaravanError

__all__ = ["RESULT_HEADER", "DryRunAnswer"]

RESULT_HEADER: Final = b"caravan-dry-run-result"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED})


class DryRunAnswer:
    """The sending side. A read that comes in pieces goes out as it comes, for it may be long; all else at ``finish``."""

    def __init__(self, send: Send, method: str) -> None:
        self._send = send
        self._may_stream = method in _SAFE
        self._streams = False
        self._start: Message | None = None
        self._body: list[bytes] = []
        self._result: bytes | None = b"rolled-back"
        self._rows = b""
        self.run: DryRun | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is not None and self._may_stream and message.get("more_body") and self._fit():
            self._streams, self._may_stream = True, False
            await self._send(self._headed(self._start))
        if self._streams:
            await self._send(message)
        else:
            self._body.append(message.get("body", b""))

    def _fit(self) -> bool:
        return self.run is None or self.run.not_run is None

    def unfit(self) -> CaravanError | None:
        """Return what to answer instead, when this answer must not be judged; else take the rows along."""
        run = self.run
        if self._streams or self._start is None or run is None:
            return None
        if run.not_run is None and self._start["status"] == HTTPStatus.SERVICE_UNAVAILABLE:
            run.refused("the service was not available")
        if run.not_run is not None:
            return DryRunNotRunError(f"Not run: {run.not_run}.", reason=run.not_run)
        if run.rows is not None and self._start["status"] not in _BODILESS:
            self._rows = run.rows.encode()
            self._result = b"rolled-back; rows=%d" % len(self._rows)
        return None

    def forget(self, refusal: CaravanError) -> None:
        """Make room for a refusal. One of 401 says nothing of a result: the header that it refuses was not read."""
        self._may_stream, self._start, self._body = False, None, []
        reason = refusal.message.removeprefix("Not run: ").rstrip(".")
        if not isinstance(refusal, DryRunNotRunError):
            reason = refusal.code
        printable = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in reason)
        refused = refusal.status == HTTPStatus.UNAUTHORIZED
        self._result = None if refused else f"not-run; reason={printable[:200]}".encode()

    async def finish(self) -> None:
        """Send what was held; nothing, when the request ended without an answer."""
        if self._streams or self._start is None:
            return
        await self._send(self._headed(self._start))
        await self._send({"type": "http.response.body", "body": b"".join(self._body) + self._rows})

    def _headed(self, message: Message) -> Message:
        headers = [(name, value) for name, value in message.get("headers", ()) if name != RESULT_HEADER]
        if self._rows:
            length = sum(map(len, self._body)) + len(self._rows)
            headers = [each for each in headers if each[0] != b"content-length"]
            headers.append((b"content-length", b"%d" % length))
        if self._result is not None:
            headers.append((RESULT_HEADER, self._result))
        return {**message, "headers": headers}
