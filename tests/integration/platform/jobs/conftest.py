"""A database with runners on it, whose jobs are small shell scripts."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest_asyncio
from sqlalchemy import text

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.ids import uuid7
from caravan.core.settings import Settings
from caravan.platform.jobs import Job, Surroundings, Workflow, cancel_job, create_job, find_job
from caravan.platform.jobs.guarding import ProcessGuards
from caravan.platform.jobs.log import read_log
from caravan.platform.jobs.planning import Planner
from caravan.platform.jobs.policy import Policy
from caravan.platform.jobs.runner import Runner
from caravan.platform.jobs.sweeping import marked
from tests.fixtures import job_workflows

_FORGET = text(
    "UPDATE jobs SET state = 'cancelled', finished_at = now(), ended_at = now()"
    " WHERE org_id = :org AND state = 'pending'"
)
QUICK = Policy(
    lease=30, margin=10, poll=0.2, sample=0.05, output_every=0.05, last_grace=0.5, recover_patience=2
)


@dataclass
class Jobs:
    """What tests do with jobs."""

    address: DatabaseAddress
    app: Database
    system: Database
    folder: Path
    org: UUID = field(default_factory=uuid7)

    def runner(self, policy: Policy = QUICK, folder: Path | None = None) -> Runner:
        folder = folder or self.folder
        surroundings = Surroundings(Settings(environment="test", home=self.folder), os.environ)
        planner = Planner(surroundings, self.address, ["tests.fixtures.job_workflows"])
        return Runner(self.system, folder, ProcessGuards(folder, policy), planner, policy)

    @contextlib.asynccontextmanager
    async def running(
        self, policy: Policy = QUICK, folder: Path | None = None
    ) -> AsyncIterator[asyncio.Event]:
        """Run jobs in the block; the event stops it earlier."""
        stop = asyncio.Event()
        task = asyncio.create_task(self.runner(policy, folder).run(stop))
        try:
            yield stop
        finally:
            stop.set()
            await task

    async def create(
        self,
        script: str = "",
        *,
        workflow: Workflow[Any] = job_workflows.SHELL,
        org: UUID | None = None,
        **parameters: object,
    ) -> Job:
        org = org or self.org
        given = {"script": script, **parameters} if script else parameters
        async with self.app.write(org) as session:
            return await create_job(session, org, workflow, given, reference="report 7")

    async def cancel(self, job: Job) -> Job:
        async with self.app.write(job.org) as session:
            return await cancel_job(session, job.org, job.queue, job.number)

    async def look(self, job: Job) -> Job:
        async with self.app.read(job.org) as session:
            return await find_job(session, job.org, job.queue, job.number)

    async def until(self, job: Job, done: Callable[[Job], Any], patience: float = 40) -> Job:
        """Look until it holds."""
        deadline = time.monotonic() + patience
        while not done(found := await self.look(job)):
            assert time.monotonic() < deadline, f"it never came to that: {found}"
            await asyncio.sleep(0.02)
        return found

    async def ended(self, job: Job, patience: float = 40) -> Job:
        """Wait until nothing of it runs."""
        return await self.until(job, lambda found: found.ended_at is not None, patience)

    async def printed(self, job: Job) -> bytes:
        async with self.app.read(job.org) as session:
            return b"".join([piece.content for piece in (await read_log(session, job)).pieces])

    async def until_printed(self, job: Job, *texts: bytes) -> bytes:
        """Wait until it has printed all of these."""
        deadline = time.monotonic() + 40
        while True:
            printed = await self.printed(job)
            if all(text in printed for text in texts):
                return printed
            assert time.monotonic() < deadline, printed
            await asyncio.sleep(0.02)


def left_of(job: Job) -> list[int]:
    """Return the living processes of a job."""
    return [process.pid for process in marked(str(job.id))]


@pytest_asyncio.fixture(loop_scope="session")
async def jobs(module_database: DatabaseAddress, tmp_path: Path) -> AsyncIterator[Jobs]:
    """Jobs of an organisation of this test's own; the database is shared by the tests of the module."""
    app = Database(module_database, role=Role.APP, pool=8)
    system = Database(module_database, role=Role.SYSTEM, pool=2)
    made = Jobs(module_database, app, system, tmp_path)
    yield made
    async with system.write() as session:  # what still waits would run in the next test
        await session.execute(_FORGET, {"org": made.org})
    await app.close()
    await system.close()
