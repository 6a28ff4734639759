"""Reading jobs."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, bindparam, select

from caravan.core.database import AnySession, Database
from caravan.platform.jobs.errors import JobNotFoundError
from caravan.platform.jobs.job import Counts, Job
from caravan.platform.jobs.models import JobQueue, JobRow
from caravan.platform.jobs.rows import COLUMNS, job_of

__all__ = ["LARGEST", "count_jobs", "find_job", "job_by_id", "list_jobs", "queue_version"]

LARGEST: Final = 2**63 - 1
"""Numbers beyond it are nobody's."""

_T: Final = JobRow.__table__.c
_QUEUE: Final = (_T.org_id == bindparam("org"), _T.queue == bindparam("queue"))
_ONE: Final[Select[Any]] = select(*COLUMNS).where(*_QUEUE, _T.number == bindparam("number"))
_BY_ID: Final[Select[Any]] = select(*COLUMNS).where(_T.org_id == bindparam("org"), _T.id == bindparam("id"))
_LAST: Final[Select[Any]] = (
    select(*COLUMNS).where(*_QUEUE).order_by(_T.number.desc()).limit(bindparam("limit"))
)
_COUNTS: Final = select(
    JobQueue.pending, JobQueue.running, JobQueue.completed, JobQueue.failed, JobQueue.cancelled
).where(JobQueue.org_id == bindparam("org"), JobQueue.name == bindparam("queue"))
_VERSION: Final = "SELECT job_queue_version($1, $2)"


async def find_job(session: AnySession, org: UUID, queue: str, number: int) -> Job:
    """Return a job by its number; raises ``JobNotFoundError``."""
    values = {"org": org, "queue": queue, "number": number}
    row = (await session.execute(_ONE, values)).one_or_none() if 0 < number <= LARGEST else None
    if row is None:
        raise JobNotFoundError(f"The queue {queue!r} has no job {number}.")
    return job_of(row)


async def job_by_id(session: AnySession, org: UUID, job: UUID) -> Job:
    """Return a job by its id; raises ``JobNotFoundError``."""
    row = (await session.execute(_BY_ID, {"org": org, "id": job})).one_or_none()
    if row is None:
        raise JobNotFoundError(f"There is no job {job}.")
    return job_of(row)


async def list_jobs(session: AnySession, org: UUID, queue: str, limit: int) -> Sequence[Job]:
    """Return the last ``limit`` jobs of a queue in the order of their creation, the oldest of them first."""
    rows = (await session.execute(_LAST, {"org": org, "queue": queue, "limit": limit})).all()
    return [job_of(row) for row in reversed(rows)]


async def count_jobs(session: AnySession, org: UUID, queue: str) -> Counts:
    """Count the jobs of a queue by state; all zero for a queue that has never had one. Reads one row."""
    row = (await session.execute(_COUNTS, {"org": org, "queue": queue})).one_or_none()
    return Counts(*row) if row is not None else Counts()


async def queue_version(database: Database, org: UUID, queue: str) -> int:
    """Return the version of a queue, in one round trip: every commit that creates or moves a job raises it."""
    version: int = await database.fetch_value(_VERSION, org, queue)
    return version
