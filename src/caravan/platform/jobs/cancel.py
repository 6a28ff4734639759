"""Cancelling a job."""

from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text

from caravan.core.database import WriteSession
from caravan.core.principal import Principal
from caravan.platform import audit
from caravan.platform.jobs.errors import JobNotCancellableError, JobNotFoundError
from caravan.platform.jobs.job import FINISHED, Job, JobState
from caravan.platform.jobs.queries import LARGEST, find_job
from caravan.platform.jobs.rows import org_of

__all__ = ["cancel_job"]

log = structlog.get_logger(__name__)

_CANCEL: Final = text("SELECT job_cancel(:org, :queue, :number)")


async def cancel_job(session: WriteSession, owner: Principal | UUID, queue: str, number: int) -> Job:
    """Cancel a job that is pending (it never starts) or running (its processes are ended); it is cancelled at once.

    Raises:
        JobNotFoundError: the queue has no job of this number.
        JobNotCancellableError: it has already ended.
    """
    org = org_of(owner)
    values = {"org": org, "queue": queue, "number": number}
    was = await session.scalar(_CANCEL, values) if 0 < number <= LARGEST else None
    if was is None:
        raise JobNotFoundError(f"The queue {queue!r} has no job {number}.")
    if (before := JobState(was)) in FINISHED:
        raise JobNotCancellableError(before)
    job = await find_job(session, org, queue, number)
    if isinstance(owner, Principal):
        await audit.record(
            session,
            owner,
            "jobs.cancelled",
            entity="job",
            entity_id=job.id,
            before={"state": str(before)},
            after={"state": str(job.state)},
        )
    log.info(
        "job.cancelled",
        job_id=str(job.id),
        number=number,
        queue=queue,
        workflow=job.workflow,
        reference=job.reference,
        org_id=str(org),
        was=str(before),
    )
    return job
