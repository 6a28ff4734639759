"""Jobs over HTTP."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from caravan.core.http import Envelope, Page, Read, Write, api_router, creates, envelope, guard, page
from caravan.core.paging import DEFAULT_LIMIT, MAX_LIMIT, CursorError
from caravan.core.principal import Principal
from caravan.platform.jobs.cancel import cancel_job
from caravan.platform.jobs.create import create_job
from caravan.platform.jobs.errors import (
    JobLogGoneError,
    JobNotCancellableError,
    JobNotFoundError,
    ParametersInvalidError,
    WorkflowUnknownError,
)
from caravan.platform.jobs.job import JobState
from caravan.platform.jobs.listing import leaf_through
from caravan.platform.jobs.log import read_log
from caravan.platform.jobs.queries import job_by_id
from caravan.platform.jobs.schemas import JobIn, JobOut, WorkflowOut
from caravan.platform.jobs.workflows import Workflow, workflow_named, workflows

__all__ = ["routers"]

_ERRORS = (
    CursorError,
    JobLogGoneError,
    JobNotCancellableError,
    JobNotFoundError,
    ParametersInvalidError,
    WorkflowUnknownError,
)
jobs = api_router("jobs", prefix="/api/v1/jobs", errors=_ERRORS)

_VIEW = ("view_jobs", "manage_jobs")
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=500)]


def routers() -> list[APIRouter]:
    """Return the routers of jobs."""
    return [jobs]


@jobs.post("", operation_id="createJob", status_code=202)
@creates
async def new_job(
    body: JobIn, session: Write, response: Response, caller: Principal = guard("manage_jobs")
) -> Envelope[JobOut]:
    made = await create_job(
        session, caller, _offered(body.workflow), body.parameters, reference=body.reference
    )
    response.headers["Location"] = f"/api/v1/jobs/{made.id}"
    return envelope(JobOut.model_validate(made))


@jobs.get("", operation_id="listJobs")
async def all_jobs(
    session: Read,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    queue: Annotated[str | None, Query(max_length=100)] = None,
    state: JobState | None = None,
    caller: Principal = guard(*_VIEW),
) -> Page[JobOut]:
    found = await leaf_through(
        session, caller.require_org(), limit=limit, cursor=cursor, queue=queue, state=state
    )
    rows = [JobOut.model_validate(job) for job in found.jobs]
    return page(rows, limit=limit, following=found.following)


@jobs.get("/workflows", operation_id="listWorkflows")
async def all_workflows(_caller: Principal = guard(*_VIEW)) -> Envelope[list[WorkflowOut]]:
    return envelope([_described(each) for each in workflows() if each.offered])


@jobs.get("/{job}", operation_id="getJob")
async def one_job(job: UUID, session: Read, caller: Principal = guard(*_VIEW)) -> Envelope[JobOut]:
    return envelope(JobOut.model_validate(await job_by_id(session, caller.require_org(), job)))


@jobs.get(
    "/{job}/log",
    operation_id="readJobLog",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "What the program printed."}},
)
async def job_log(
    job: UUID,
    session: Read,
    offset: Annotated[int, Query(ge=0, le=2**62, description="Bytes to skip: X-Next-Offset of before.")] = 0,
    tail: Annotated[int | None, Query(ge=1, le=262_144, description="About so many last bytes.")] = None,
    stream: Literal["stdout", "stderr"] | None = None,
    caller: Principal = guard(*_VIEW),
) -> Response:
    found = await job_by_id(session, caller.require_org(), job)
    log = await read_log(session, found, offset=offset, tail=tail, stream=stream)
    headers = {
        "X-Next-Offset": str(log.following),
        "X-Dropped-Bytes": str(log.dropped),
        "X-Job-State": str(found.state),
        "X-Content-Type-Options": "nosniff",
    }
    content = b"".join(piece.content for piece in log.pieces)
    return Response(content, media_type="text/plain; charset=utf-8", headers=headers)


@jobs.post("/{job}/cancel", operation_id="cancelJob")
async def cancelled_job(
    job: UUID, session: Write, caller: Principal = guard("manage_jobs")
) -> Envelope[JobOut]:
    found = await job_by_id(session, caller.require_org(), job)
    return envelope(JobOut.model_validate(await cancel_job(session, caller, found.queue, found.number)))


def _offered(name: str) -> Workflow[Any]:
    workflow = workflow_named(name)
    if not workflow.offered:
        raise WorkflowUnknownError(f"There is no workflow {name!r}.")
    return workflow


def _described(workflow: Workflow[Any]) -> WorkflowOut:
    return WorkflowOut(
        name=workflow.name,
        queue=workflow.queue,
        concurrency=workflow.concurrency,
        parameters=workflow.parameters.model_json_schema(),
    )
