"""Jobs: programs run one after another per queue, supervised, each in a row that survives restarts.

`caravan.platform.jobs.process` is the process that runs them; it imports the modules that register workflows.
"""

from typing import TYPE_CHECKING

from caravan.platform.jobs.cancel import cancel_job
from caravan.platform.jobs.create import create_job
from caravan.platform.jobs.errors import (
    JobLogGoneError,
    JobNotCancellableError,
    JobNotFoundError,
    LaunchRefusedError,
    ParametersInvalidError,
    QueueBusyError,
    QueueHoldLostError,
    WorkflowUnknownError,
)
from caravan.platform.jobs.holds import hold_queue
from caravan.platform.jobs.job import Counts, Job, JobState, Reason
from caravan.platform.jobs.log import LogPage, read_log
from caravan.platform.jobs.program import Program, ProgramResult
from caravan.platform.jobs.queries import count_jobs, find_job, list_jobs, queue_version
from caravan.platform.jobs.run_program import run_program
from caravan.platform.jobs.versioned import Versioned
from caravan.platform.jobs.workflows import Surroundings, Workflow, register

if TYPE_CHECKING:
    from fastapi import APIRouter

__all__ = [
    "Counts",
    "Job",
    "JobLogGoneError",
    "JobNotCancellableError",
    "JobNotFoundError",
    "JobState",
    "LaunchRefusedError",
    "LogPage",
    "ParametersInvalidError",
    "Program",
    "ProgramResult",
    "QueueBusyError",
    "QueueHoldLostError",
    "Reason",
    "Surroundings",
    "Versioned",
    "Workflow",
    "WorkflowUnknownError",
    "cancel_job",
    "count_jobs",
    "create_job",
    "find_job",
    "hold_queue",
    "list_jobs",
    "queue_version",
    "read_log",
    "register",
    "routers",
    "run_program",
]


def routers() -> list["APIRouter"]:
    """Return the routers of jobs, imported when they are asked for: only a server needs them."""
    from caravan.platform.jobs import audit_workflow, routes  # noqa: F401, PLC0415 - the one registers our workflow

    return routes.routers()
