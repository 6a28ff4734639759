"""Creating, listing, showing and cancelling jobs."""

from typing import Final

import structlog
from fastapi import Request
from starlette.responses import Response

from caravan.core.http.context import current_request
from caravan.legacy.deduper.answers import (
    DeduperCancelledJob,
    DeduperCreatedJob,
    DeduperCreatedReportJob,
    DeduperProblem,
)
from caravan.legacy.deduper.failures import told
from caravan.legacy.deduper.job_answers import job_answer
from caravan.legacy.deduper.job_ids import read_job_id
from caravan.legacy.deduper.json_form import JSON, json_answer
from caravan.legacy.deduper.queue import queue_of
from caravan.legacy.deduper.report_ids import ReportId
from caravan.platform.jobs import JobNotCancellableError, JobNotFoundError

__all__ = ["cancel", "create", "create_for_report", "list_of_jobs", "status"]

log = structlog.get_logger(__name__)

_NOT_FOUND: Final = DeduperProblem(error="Job not found")


async def create(request: Request) -> Response:
    """Queue the analysis of all new articles. HEAD answers the same and queues nothing."""
    return await _created(request, None)


async def create_for_report(request: Request) -> Response:
    """Queue the analysis of one report's articles. HEAD answers the same and queues nothing."""
    return await _created(request, request.path_params["reportId"])


async def list_of_jobs(request: Request) -> Response:
    """List the last jobs in the order of their creation."""
    return Response(await queue_of(request).list_bytes(), media_type=JSON)


async def status(request: Request) -> Response:
    """Show one job."""
    number = read_job_id(request.path_params["id"])
    if number is None:
        return json_answer(_NOT_FOUND, 404)
    try:
        return json_answer(job_answer(await queue_of(request).find(number)))
    except JobNotFoundError:
        return json_answer(_NOT_FOUND, 404)


async def cancel(request: Request) -> Response:
    """Cancel a job that waits or runs; its processes are ended."""
    number = read_job_id(request.path_params["id"])
    if number is None:
        return json_answer(_NOT_FOUND, 404)
    try:
        await queue_of(request).cancel(number)
    except JobNotFoundError:
        return json_answer(_NOT_FOUND, 404)
    except JobNotCancellableError as error:
        return json_answer(DeduperProblem(error=f"Cannot cancel job with status: {error.state.value}"), 400)
    except Exception as error:
        log.exception("deduper.cancel_failed", job=number)
        return json_answer(DeduperProblem(error=f"Failed to cancel job: {told(error)}"), 500)
    return json_answer(DeduperCancelledJob(jobId=number))


async def _created(request: Request, report: ReportId | None) -> Response:
    queue = queue_of(request)
    try:
        # HEAD is told what GET would be, the next number in its length included; the edge leaves the body out.
        number = (await queue.counts()).total + 1 if _is_head() else (await queue.create(report)).number
    except Exception as error:
        log.exception("deduper.create_failed", report=report)
        return json_answer(DeduperProblem(error=told(error)), 500)
    if report is None:
        return json_answer(DeduperCreatedJob(jobId=number), 201)
    return json_answer(DeduperCreatedReportJob(jobId=number, reportId=report), 201)


def _is_head() -> bool:
    context = current_request()
    return context is not None and context.method == "HEAD"
