"""What may go wrong with jobs, each situation with its code."""

from collections.abc import Mapping

from caravan.core.errors import CaravanError
from caravan.platform.jobs.job import JobState

__all__ = [
    "JobLogGoneError",
    "JobNotCancellableError",
    "JobNotFoundError",
    "LaunchRefusedError",
    "ParametersInvalidError",
    "QueueBusyError",
    "QueueHoldLostError",
    "WorkflowUnknownError",
]


class JobNotFoundError(CaravanError):
    code = "job_not_found"
    status = 404
    title = "There is no such job"
    fix = "Check the id with GET /api/v1/jobs; what belongs to another organisation is not found either."


class JobLogGoneError(CaravanError):
    code = "job_log_gone"
    status = 410
    title = "The job's log is kept no more"
    fix = "The job itself is still there; CARAVAN_JOB_OUTPUT_DAYS says how long logs are kept."


class JobNotCancellableError(CaravanError):
    """Carries ``state``, in which the job was."""

    code = "job_not_cancellable"
    status = 409
    title = "The job has already ended"
    fix = "Nothing needs to be cancelled; look at the job's state and reason."

    def __init__(self, state: JobState) -> None:
        super().__init__(f"Cannot cancel job with status: {state}", state=str(state))
        self.state = state


class LaunchRefusedError(CaravanError):
    """Raised by a workflow's ``plan``: the job fails with this text as its error, without an exit code."""

    code = "job_launch_refused"
    status = 409
    title = "The workflow refuses to start"
    fix = "Correct what the message names, then create the job again."


class WorkflowUnknownError(CaravanError):
    code = "workflow_unknown"
    status = 422
    title = "There is no such workflow"
    fix = "Name one of the workflows listed in the message."


class ParametersInvalidError(CaravanError):
    code = "job_parameters_invalid"
    status = 422
    title = "The parameters do not fit the workflow"
    fix = "Correct the parameters that the message names."


class QueueBusyError(CaravanError):
    code = "job_queue_busy"
    status = 409
    title = "The queue cannot be held now"
    fix = "Wait until the other holder or the programs that are still ending have gone, then try again."

    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": "5"}


class QueueHoldLostError(CaravanError):
    code = "job_queue_hold_lost"
    status = 503
    title = "The hold of the queue was lost"
    fix = "The database was away for longer than the hold's lease; try again."
