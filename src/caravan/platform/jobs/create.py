"""Creating a job."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy import text

from caravan.core.database import WriteSession
from caravan.core.ids import uuid7
from caravan.core.outbox import current_request_id
from caravan.core.principal import Principal
from caravan.platform import audit
from caravan.platform.jobs.errors import ParametersInvalidError
from caravan.platform.jobs.job import Job
from caravan.platform.jobs.rows import COLUMN_LIST, COLUMNS, job_of, org_of
from caravan.platform.jobs.workflows import Workflow, workflow_named

__all__ = ["create_job", "parameters_of"]

log = structlog.get_logger(__name__)

_CREATE: Final = text(
    f"SELECT {COLUMN_LIST} FROM job_create(:org, :id, :queue, :concurrency, :workflow, CAST(:parameters AS jsonb),"  # noqa: S608 - names of columns
    " :reference, :principal, :request)"
).columns(*COLUMNS)


async def create_job(
    session: WriteSession,
    owner: Principal | UUID,
    workflow: str | Workflow[Any],
    parameters: BaseModel | Mapping[str, Any],
    *,
    reference: str | None = None,
) -> Job:
    """Put a job at the end of its workflow's queue; it starts after the commit, when it is its turn.

    ``owner`` is the caller, or the organisation where there is none. ``reference`` is the caller's own name for what
    the job is about, any text.

    Raises:
        WorkflowUnknownError: no workflow has this name.
        ParametersInvalidError: the parameters do not fit it.
    """
    kind = workflow_named(workflow) if isinstance(workflow, str) else workflow
    given = parameters_of(kind, parameters)
    values = {
        "org": org_of(owner),
        "id": uuid7(),
        "queue": kind.queue,
        "concurrency": kind.concurrency,
        "workflow": kind.name,
        "parameters": _stored(kind, given.model_dump_json(), reference),
        "reference": reference,
        "principal": owner.label if isinstance(owner, Principal) else None,
        "request": current_request_id(),
    }
    job = job_of((await session.execute(_CREATE, values)).one())
    if isinstance(owner, Principal):
        after = {"workflow": job.workflow, "queue": job.queue, "number": job.number, "reference": reference}
        await audit.record(session, owner, "jobs.created", entity="job", entity_id=job.id, after=after)
    log.info(
        "job.enqueued",
        job_id=str(job.id),
        number=job.number,
        queue=job.queue,
        workflow=job.workflow,
        reference=reference,
        org_id=str(job.org),
    )
    return job


def parameters_of(workflow: Workflow[Any], given: BaseModel | Mapping[str, Any]) -> BaseModel:
    """Return the parameters as the workflow's model; raises ``ParametersInvalidError`` naming each wrong one."""
    model: type[BaseModel] = workflow.parameters
    if isinstance(given, model):
        return given
    try:
        return model.model_validate(given.model_dump() if isinstance(given, BaseModel) else dict(given))
    except ValidationError as error:
        problems = [
            {"where": ".".join(str(part) for part in item["loc"]), "what": item["msg"]}
            for item in error.errors()
        ]
        told = "; ".join(f"{each['where'] or 'parameters'}: {each['what']}" for each in problems)
        raise ParametersInvalidError(f"{workflow.name}: {told}", problems=problems) from None


def _stored(workflow: Workflow[Any], parameters: str, reference: str | None) -> str:
    for where, content, zero in (("parameters", parameters, "\\u0000"), ("reference", reference or "", "\0")):
        if zero in content:
            raise ParametersInvalidError(f"{workflow.name}: {where} must not hold the character U+0000.")
    return parameters
