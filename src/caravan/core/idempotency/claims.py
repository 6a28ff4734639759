"""Claiming a key in the request's own transaction, and replaying the answer of a finished one."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import Response

from caravan.core.database import Database, WriteSession
from caravan.core.database.dry_run import current_dry_run
from caravan.core.idempotency.errors import (
    AlreadyCreatedError,
    IdempotencyKeyInvalidError,
    IdempotencyKeyMissingError,
    IdempotencyKeyReusedError,
    RequestInProgressError,
)
from caravan.core.idempotency.models import IdempotencyKey

__all__ = ["Claim", "Replayed", "claim_of", "claim_or_replay", "store"]

_PATIENCE: Final = 2.0
_PAUSES: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.25)
_KEPT_HEADERS: Final = frozenset({"content-type", "location", "etag", "link"})


class Replayed(Exception):  # noqa: N818 - not an error: the finished request's answer on its way out
    """Carries the stored answer past the route."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass(slots=True)
class Claim:
    """One key of one request; ``session`` is set while its transaction is open."""

    principal: str
    method: str
    path: str
    key: str
    fingerprint: bytes
    session: WriteSession | None = None

    @property
    def lock(self) -> int:
        """The advisory lock: 64 bits of a hash of what makes the key unique."""
        text = f"{self.principal}\x00{self.method}\x00{self.path}\x00{self.key}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)


async def claim_of(request: Request, principal: str, *, required: bool) -> Claim | None:
    """Read the key of a request; None when it has none and needs none."""
    key = request.headers.get("idempotency-key")
    if key is None:
        if required:
            raise IdempotencyKeyMissingError(
                "This request creates something, so it needs an Idempotency-Key header."
            )
        return None
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):  # noqa: PLR2004 - as the message says
        raise IdempotencyKeyInvalidError("The Idempotency-Key is empty, too long or not printable ASCII.")
    body = await request.body()
    digest = hashlib.sha256(request.scope.get("query_string", b"") + b"\0" + body).digest()
    return Claim(principal, request.method, request.scope["path"], key, digest)


@asynccontextmanager
async def claim_or_replay(
    request: Request, database: Database, org: UUID | None
) -> AsyncIterator[WriteSession]:
    """Open the request's transaction with its key claimed.

    While another request holds the key, the connection goes back to the pool between attempts, for up to 2 s.

    Raises:
        Replayed: with the stored answer, when the key's first request has finished.
        RequestInProgressError: when the first request still runs after 2 s.
        IdempotencyKeyReusedError: when the key was used for another body.
    """
    claim: Claim | None = request.scope["state"].get("idempotency")
    if claim is None or current_dry_run() is not None:  # a dry run uses no key up, and replays no answer
        async with database.write(org) as session:
            yield session
        return
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    attempt = 0
    while True:
        async with database.write(org) as session:
            if await session.scalar(select(func.pg_try_advisory_xact_lock(claim.lock))):
                await _replay_finished(session, claim)
                claim.session = session
                yield session
                return
        if asyncio.get_running_loop().time() >= deadline:
            raise RequestInProgressError("Another request with this Idempotency-Key has not finished yet.")
        await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
        attempt += 1


async def _replay_finished(session: WriteSession, claim: Claim) -> None:
    row = await session.get(IdempotencyKey, (claim.principal, claim.method, claim.path, claim.key))
    if row is None:
        return
    if row.fingerprint != claim.fingerprint:
        raise IdempotencyKeyReusedError("This Idempotency-Key was sent before with another body or query.")
    if row.secret:
        raise AlreadyCreatedError("The request with this Idempotency-Key has succeeded before.")
    raise Replayed(Response(row.body or b"", row.status, {**row.headers, "Idempotency-Replayed": "true"}))


async def store(claim: Claim, response: Response, org: UUID | None, *, secret: bool) -> None:
    """Keep the answer in the transaction of its effect; one whose transaction did not begin leaves nothing."""
    if claim.session is None:
        return
    claim.session.add(
        IdempotencyKey(
            principal=claim.principal,
            method=claim.method,
            path=claim.path,
            key=claim.key,
            fingerprint=claim.fingerprint,
            org_id=org,
            status=response.status_code,
            headers={name: value for name, value in response.headers.items() if name in _KEPT_HEADERS},
            body=None if secret else bytes(response.body),
            secret=secret,
        )
    )
    await claim.session.flush()
