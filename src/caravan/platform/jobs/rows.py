"""Rows of the table as jobs."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from caravan.core.principal import Principal
from caravan.platform.jobs.job import Job, JobState, Reason
from caravan.platform.jobs.models import JobRow

__all__ = ["COLUMNS", "COLUMN_LIST", "job_of", "org_of"]

_NAMES: Final = (
    "org_id",
    "id",
    "queue",
    "number",
    "workflow",
    "parameters",
    "reference",
    "state",
    "created_at",
    "started_at",
    "finished_at",
    "ended_at",
    "cancel_requested_at",
    "error",
    "reason",
    "exit_code",
    "signal",
    "duration_ms",
    "peak_memory",
    "output_bytes",
    "progress",
    "result",
)
COLUMNS: Final = tuple(JobRow.__table__.c[name] for name in _NAMES)
COLUMN_LIST: Final = ", ".join(_NAMES)


def job_of(row: Row[Any]) -> Job:
    """Return the job in a row of exactly ``COLUMNS``."""
    values = dict(zip(_NAMES, row, strict=True))
    values["org"] = values.pop("org_id")
    values["state"] = JobState(values["state"])
    values["reason"] = Reason(values["reason"]) if values["reason"] else None
    return Job(**values)


def org_of(owner: Principal | UUID) -> UUID:
    """Return the organisation of a caller, or the one that was named."""
    return owner.require_org() if isinstance(owner, Principal) else owner
