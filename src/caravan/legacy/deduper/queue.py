"""The deduper's queue as its routes use it, with the answers that are kept ready."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from fastapi import Request

from caravan.core.database import Database
from caravan.core.http import state_of
from caravan.core.protocols import TenantDirectory
from caravan.core.settings import Settings
from caravan.legacy.deduper.job_answers import list_body
from caravan.legacy.deduper.kept import Kept
from caravan.legacy.deduper.workflow import ANALYSE, ORGANISATION, QUEUE, Analysis
from caravan.platform.jobs import (
    Counts,
    Job,
    Versioned,
    cancel_job,
    count_jobs,
    create_job,
    find_job,
    list_jobs,
    queue_version,
)

__all__ = ["SERVICE", "DeduperQueue", "open_queue", "queue_of"]

SERVICE: Final = "deduper"
"""Its name among the application's services."""


_FRESH: Final = 0.01
"""Seconds after which another process is asked what it did; what this one did or read is known at once."""


class DeduperQueue:
    """One per process. The list's bytes and the counts are made anew when the queue's version has changed.

    No answer is older than one this process gave before. Where several processes serve, none is older than any write.
    """

    def __init__(self, database: Database, org: UUID, settings: Settings) -> None:
        self.database = database
        self.org = org
        self.settings = settings
        fresh = _FRESH if settings.processes == 1 else 0.0
        self._list = Kept(Versioned(self._version, self._list_now).get, fresh)
        self._counts = Kept(Versioned(self._version, self._counts_now).get, fresh)

    async def create(self, report: str | None) -> Job:
        """Put a job into the queue; committed when this returns."""
        async with self.database.write(self.org) as session:
            job = await create_job(session, self.org, ANALYSE, Analysis(report=report), reference=report)
        self.changed()
        return job

    async def find(self, number: int) -> Job:
        """Return a job; raises ``JobNotFoundError``."""
        async with self.database.read(self.org) as session:
            job = await find_job(session, self.org, QUEUE, number)
        self.changed()  # the list must not say less than this did
        return job

    async def cancel(self, number: int) -> Job:
        """Cancel a job; raises ``JobNotFoundError`` and ``JobNotCancellableError``."""
        async with self.database.write(self.org) as session:
            job = await cancel_job(session, self.org, QUEUE, number)
        self.changed()
        return job

    def changed(self) -> None:
        """Look again before the next answer."""
        self._list.forget()
        self._counts.forget()

    async def list_bytes(self) -> bytes:
        """Return the answer of the list."""
        return await self._list.get()

    async def counts(self) -> Counts:
        """Return how many jobs are in each state."""
        return await self._counts.get()

    async def _version(self) -> int:
        return await queue_version(self.database, self.org, QUEUE)

    async def _list_now(self) -> bytes:
        return list_body(await self._last())

    async def _last(self) -> Sequence[Job]:
        async with self.database.read(self.org) as session:
            return await list_jobs(session, self.org, QUEUE, self.settings.deduper_list_length)

    async def _counts_now(self) -> Counts:
        async with self.database.read(self.org) as session:
            return await count_jobs(session, self.org, QUEUE)


async def open_queue(database: Database, directory: TenantDirectory, settings: Settings) -> DeduperQueue:
    """Return the queue; its organisation is made when it is not there."""
    org, _ = await directory.ensure(ORGANISATION, None)
    return DeduperQueue(database, org, settings)


def queue_of(request: Request) -> DeduperQueue:
    """Return the queue that the application was given at its start."""
    found: DeduperQueue = state_of(request.app).services[SERVICE]
    return found
