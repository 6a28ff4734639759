"""Whether a request with the header of a dry run may be carried out as one: decided before anything runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.types import Message, Receive, Scope

from caravan.core.clock import Clock, utc_now
from caravan.core.database import Database
from caravan.core.database.dry_run import DryRunNotRunError
from caravan.core.database.dry_run_nonces import is_first_use
from caravan.core.errors import CaravanError
from caravan.core.http.errors import BodyTooLargeError
from caravan.core.protocols import DryRunVerifier, SignedRequest

__all__ = ["DRY_RUNS_OFF", "DRY_RUN_HEADER", "DryRunOffError", "DryRunUsedError", "DryRuns", "NeverDry"]

DRY_RUN_HEADER: Final = b"caravan-dry-run"


class DryRunOffError(CaravanError):
    code = "dry_run_off"
    status = 401
    title = "Dry runs are off here"
    fix = "Nothing was run. Set CARAVAN_DRY_RUN_SECRET on this side, or leave the Caravan-Dry-Run header out."


class DryRunUsedError(CaravanError):
    code = "dry_run_used"
    status = 401
    title = "The signature of the dry run was used before"
    fix = "Nothing was run. Sign each request anew, with a nonce of its own."


NeverDry = Callable[[str, str], str | None]
"""Takes method and path; returns why such a request cannot be undone, None when it can."""


@dataclass(frozen=True, slots=True)
class DryRuns:
    """Off without ``verifier``. Used signatures are kept in ``database``, so that every process knows them."""

    verifier: DryRunVerifier | None = None
    database: Database | None = None
    never: NeverDry | None = None
    max_body: int = 1_048_576
    clock: Clock = utc_now

    async def accepted(self, scope: Scope, receive: Receive, method: str) -> Receive:
        """Return what hands the body on, when the request may be carried out as a dry run.

        Raises:
            CaravanError: of status 401 when the header does not hold, ``dry_run_not_run`` when it does and the request
                has effects that cannot be undone, ``body_too_large``.
        """
        if self.verifier is None or self.database is None:
            raise DryRunOffError("No secret for dry runs is set here; nothing was run.")
        body = await self._body(receive)
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        nonce = self.verifier.verify(SignedRequest(method, _target(scope), headers, body), self.clock())
        if not await is_first_use(self.database, nonce):
            raise DryRunUsedError("This signature was used before; nothing was run.")
        reason = self.never(method, scope["path"]) if self.never is not None else None
        if reason is not None:
            raise DryRunNotRunError(f"Not run: {reason}.")
        return _handing_on(body, receive)

    async def _body(self, receive: Receive) -> bytes:
        parts, length = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError("the client left before its body had ended")
            parts.append(message.get("body", b""))
            length += len(parts[-1])
            if length > self.max_body:
                raise BodyTooLargeError(f"At most {self.max_body:,} bytes are taken.")
            if not message.get("more_body", False):
                return b"".join(parts)


DRY_RUNS_OFF: Final = DryRuns()


def _target(scope: Scope) -> str:
    """Return the request target as received: the server keeps path and query undecoded."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope.get("query_string", b"")
    path = raw.split(b"?", 1)[0]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


def _handing_on(body: bytes, receive: Receive) -> Receive:
    def messages() -> Iterator[Message]:
        yield {"type": "http.request", "body": body, "more_body": False}

    held = messages()

    async def received() -> Message:
        message = next(held, None)
        return message if message is not None else await receive()

    return received
