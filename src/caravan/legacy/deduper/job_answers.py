"""Jobs in the legacy's words."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from caravan.legacy.deduper.answers import DeduperJobDetail
from caravan.legacy.deduper.json_form import as_legacy_json
from caravan.legacy.deduper.report_ids import ReportId
from caravan.platform.jobs import Job, Reason

__all__ = ["job_answer", "list_body", "stamp"]

_STDOUT: Final = "Process output streamed to terminal"
_STDERR: Final = "Process errors streamed to terminal"
_TOLD_BY_EXIT_CODE: Final = frozenset({Reason.EXIT, Reason.CANCELLED})


def stamp(moment: datetime) -> str:
    """Return ISO 8601 in UTC; the fraction is left out when it is zero."""
    return moment.isoformat()


def job_answer(job: Job) -> DeduperJobDetail:
    """Return what the status route tells."""
    ended_by_itself = job.exit_code is not None
    return DeduperJobDetail(
        jobId=job.number,
        status=job.state.value,
        createdAt=stamp(job.created_at),
        startedAt=stamp(job.started_at) if job.started_at else None,
        completedAt=stamp(job.finished_at) if job.finished_at else None,
        reportId=None if job.reference is None else ReportId(job.reference),
        exitCode=job.exit_code,
        error=None if job.reason in _TOLD_BY_EXIT_CODE else job.error,
        stdout=_STDOUT if ended_by_itself else None,
        stderr=_STDERR if ended_by_itself else None,
    )


def list_body(jobs: Iterable[Job]) -> bytes:
    """Return the answer of the list."""
    rows = [
        {"createdAt": stamp(job.created_at), "jobId": job.number, "status": job.state.value} for job in jobs
    ]
    return as_legacy_json({"jobs": rows})
