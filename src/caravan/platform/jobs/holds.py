"""Holding a queue: everything in it ends, and nothing of it starts until the hold is given back."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text

from caravan.core.database import Database
from caravan.core.ids import uuid7
from caravan.core.outbox import TROUBLE, in_short
from caravan.platform.jobs.errors import QueueBusyError, QueueHoldLostError

__all__ = ["hold_queue"]

log = structlog.get_logger(__name__)

_TAKE: Final = text("SELECT fence, numbers FROM job_hold(:org, :queue, :holder, :lease)")
_NAMES: Final = text(
    "SELECT id, number, workflow, reference FROM jobs WHERE org_id = :org AND queue = :queue"
    " AND number = ANY (:numbers) ORDER BY number"
)
_RENEW: Final = text("SELECT job_hold_renew(:org, :queue, :fence, :lease)")
_END: Final = text("SELECT job_hold_end(:org, :queue, :fence)")
_BUSY: Final = text(
    "SELECT count(*) FROM job_slots WHERE org_id = :org AND queue = :queue AND holder IS NOT NULL"
)
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.2


@asynccontextmanager
async def hold_queue(
    database: Database, org: UUID, queue: str, *, lease: float = 30.0, patience: float = 30.0
) -> AsyncIterator[Sequence[int]]:
    """Cancel every pending and running job, wait until their processes have ended, and yield the numbers cancelled.

    Jobs created meanwhile stay pending, and start when the block is left. The hold is a lease of ``lease`` seconds
    that is renewed while the block runs: when this process dies, the queue goes on by itself.

    Raises:
        QueueBusyError: another hold, or programs that do not end, for ``patience`` seconds; ``details["cancelled"]``
            has the numbers cancelled nevertheless.
        QueueHoldLostError: the lease could not be renewed; the block was cancelled.
    """
    deadline = asyncio.get_running_loop().time() + patience
    hold, numbers = await _taken(database, org, queue, lease, deadline)
    block = asyncio.current_task()
    assert block is not None  # noqa: S101 - a coroutine runs in a task
    renewing = asyncio.create_task(_renewed(hold, block))
    try:
        await _emptied(hold, numbers, deadline)
        yield numbers
    except asyncio.CancelledError:
        if not hold.lost:
            raise
        block.uncancel()
        raise QueueHoldLostError(f"The hold of the queue {queue!r} was lost.") from None
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing
        await asyncio.shield(_ended(hold))


@dataclass(slots=True)
class _Hold:
    database: Database
    org: UUID
    queue: str
    fence: int
    lease: float
    lost: bool = False


async def _taken(
    database: Database, org: UUID, queue: str, lease: float, deadline: float
) -> tuple[_Hold, Sequence[int]]:
    holder = f"{socket.gethostname()}:{os.getpid()}:{uuid7().hex[-6:]}"
    values = {"org": org, "queue": queue, "holder": holder, "lease": lease}
    pause = _FIRST_PAUSE
    while True:
        async with database.write(org) as session:
            row = (await session.execute(_TAKE, values)).one_or_none()
            which = {"org": org, "queue": queue, "numbers": list(row.numbers) if row is not None else []}
            cancelled = (await session.execute(_NAMES, which)).all() if which["numbers"] else ()
        if row is not None:
            for job in cancelled:
                log.info(
                    "job.cancelled",
                    job_id=str(job.id),
                    number=job.number,
                    queue=queue,
                    workflow=job.workflow,
                    reference=job.reference,
                    org_id=str(org),
                    by="hold",
                )
            return _Hold(database, org, queue, row.fence, lease), list(row.numbers)
        pause = await _paused(pause, deadline, f"Somebody else holds the queue {queue!r}.")


async def _emptied(hold: _Hold, numbers: Sequence[int], deadline: float) -> None:
    pause = _FIRST_PAUSE
    while True:
        async with hold.database.read(hold.org) as session:
            busy = await session.scalar(_BUSY, {"org": hold.org, "queue": hold.queue})
        if not busy:
            return
        told = f"{busy} cancelled programs of the queue {hold.queue!r} are still ending."
        pause = await _paused(pause, deadline, told, numbers)


async def _paused(pause: float, deadline: float, told: str, numbers: Sequence[int] = ()) -> float:
    if asyncio.get_running_loop().time() + pause > deadline:
        raise QueueBusyError(told, cancelled=list(numbers))
    await asyncio.sleep(pause)
    return min(pause * 2, _LONGEST_PAUSE)


async def _renewed(hold: _Hold, block: "asyncio.Task[object]") -> None:
    values = {"org": hold.org, "queue": hold.queue, "fence": hold.fence, "lease": hold.lease}
    loop = asyncio.get_running_loop()
    until = loop.time() + hold.lease
    while True:
        await asyncio.sleep(hold.lease / 4)
        begun = loop.time()
        try:
            async with hold.database.write(hold.org) as session:
                kept = await session.scalar(_RENEW, values)
        except TROUBLE as error:
            log.warning("queue.hold_trouble", queue=hold.queue, reason=in_short(error))
            kept = begun + hold.lease / 4 < until
        else:
            until = begun + hold.lease
        if not kept:
            hold.lost = True
            block.cancel()
            return


async def _ended(hold: _Hold) -> None:
    try:
        async with hold.database.write(hold.org) as session:
            await session.execute(_END, {"org": hold.org, "queue": hold.queue, "fence": hold.fence})
    except TROUBLE as error:  # then the lease ends by itself
        log.warning("queue.hold_trouble", queue=hold.queue, reason=in_short(error))
