"""The old addresses over a queue that is kept in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest
import pytest_asyncio

from caravan.core.database import DatabaseAddress
from caravan.core.ids import uuid7
from caravan.core.settings import Settings
from caravan.legacy import deduper
from caravan.legacy.deduper.environment import DEDUPER, PYTHON
from caravan.legacy.deduper.job_answers import list_body
from caravan.legacy.deduper.queue import SERVICE
from caravan.platform.jobs import Counts, Job, JobNotCancellableError, JobNotFoundError, JobState
from tests.fixtures.applications import RunningApplication, running_application

ORG = uuid7()
BEGAN = datetime(2026, 2, 23, 10, 15, 30, 123456, tzinfo=UTC)
NOWHERE = DatabaseAddress("postgresql://nobody@/none")


def a_job(number: int = 1, **changes: Any) -> Job:  # noqa: ANN401 - any field of a job
    """A job that waits, unless the changes say otherwise."""
    nothing = dict.fromkeys(Job.__dataclass_fields__)
    given = {
        "org": ORG,
        "id": uuid7(),
        "queue": "deduper",
        "number": number,
        "workflow": "deduper.analyze",
        "parameters": {},
        "state": JobState.PENDING,
        "created_at": BEGAN,
    }
    return Job(**cast("Any", nothing | given | changes))


@dataclass
class RememberedQueue:
    """What the routes ask of a queue; ``trouble`` is raised instead of any answer."""

    settings: Settings = field(default_factory=Settings)
    org: UUID = ORG
    database: None = None
    jobs: list[Job] = field(default_factory=list)
    trouble: Exception | None = None
    looks_again: int = 0

    async def create(self, report: str | None) -> Job:
        self._fail()
        self.jobs.append(a_job(len(self.jobs) + 1, reference=report))
        return self.jobs[-1]

    async def find(self, number: int) -> Job:
        self._fail()
        if not 0 < number <= len(self.jobs):
            raise JobNotFoundError
        return self.jobs[number - 1]

    async def cancel(self, number: int) -> Job:
        job = await self.find(number)
        if job.state not in {JobState.PENDING, JobState.RUNNING}:
            raise JobNotCancellableError(job.state)
        self.jobs[number - 1] = replace(job, state=JobState.CANCELLED)
        return self.jobs[number - 1]

    async def list_bytes(self) -> bytes:
        self._fail()
        return list_body(self.jobs)

    async def counts(self) -> Counts:
        self._fail()
        states = [job.state.value for job in self.jobs]
        return Counts(**{state: states.count(state) for state in set(states)})

    def changed(self) -> None:
        self.looks_again += 1

    def _fail(self) -> None:
        if self.trouble is not None:
            raise self.trouble


@dataclass
class Worker:
    """The application alone, as `caravan api --only deduper` serves it."""

    running: RunningApplication
    queue: RememberedQueue


@pytest_asyncio.fixture(loop_scope="session")
async def worker(unset: None) -> AsyncIterator[Worker]:
    """A worker without a job, and without any path configured."""
    shapes = deduper.error_shapes(alone=True)
    async with running_application(
        NOWHERE, deduper.routers(), error_shapes=shapes, rate_limits=False, max_body_bytes=200_000
    ) as running:
        deduper.answer_polled_first(running.app)
        queue = RememberedQueue()
        running.state.services[SERVICE] = queue
        yield Worker(running, queue)


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither path is set, and there is no ``.env``."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    for name in (PYTHON, DEDUPER):
        monkeypatch.delenv(name, raising=False)
