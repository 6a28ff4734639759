"""What a guardian's report means for its job."""

from typing import Final

from caravan.platform.jobs.guardian.orders import Report
from caravan.platform.jobs.job import JobState, Reason
from caravan.platform.jobs.program import Program
from caravan.platform.jobs.steps import Finish

__all__ = ["NEVER_STARTED", "finish_of", "launch_failed", "lost"]

_TOLD: Final = {
    "lost": (Reason.WORKER_LOST, "The service that ran this job died; its processes were ended."),
    "stopped": (Reason.STOPPED, "service stopped"),
    "cancelled": (Reason.CANCELLED, None),
}

NEVER_STARTED: Final = Finish(JobState.FAILED, Reason.CANCELLED)
"""For a job that was cancelled between being chosen and being started; it stays cancelled."""


def launch_failed(told: str) -> Finish:
    """Return how a job ends whose program never ran."""
    return Finish(JobState.FAILED, Reason.LAUNCH, error=told)


def lost(told: str = "") -> Finish:
    """Return how a job ends of which nobody can say how its program ended."""
    return Finish(JobState.FAILED, Reason.WORKER_LOST, error=told or _TOLD["lost"][1])


def finish_of(report: Report | None, program: Program | None = None) -> Finish:
    """Return how a job ends by its guardian's report; without one its guardian was killed."""
    if report is None:
        return lost("The guardian of this job was killed; its processes were ended.")
    if report["reason"] == "launch":
        return launch_failed(report.get("error") or "The program could not be started.")
    code = report.get("exit_code")
    state, reason, error = _meaning(report, program)
    return Finish(
        state,
        reason,
        error=error,
        exit_code=code,
        signal=-code if code is not None and code < 0 else None,
        duration_ms=report.get("duration_ms"),
        peak_memory=report.get("peak_memory"),
        output_bytes=report.get("output_bytes"),
        progress=report.get("progress"),
        result=report.get("result"),
    )


def _meaning(report: Report, program: Program | None) -> tuple[JobState, Reason, str | None]:
    reason = report["reason"]
    if reason == "exit":
        if report.get("exit_code") == 0:
            return JobState.COMPLETED, Reason.EXIT, None
        return JobState.FAILED, Reason.EXIT, report.get("error")
    if reason == "timeout":
        after = f" after {program.timeout:g} seconds" if program and program.timeout is not None else ""
        return JobState.FAILED, Reason.TIMEOUT, f"The program was ended{after}: it took too long."
    if reason == "memory":
        limit = f" than {program.memory} bytes" if program and program.memory is not None else ""
        return JobState.FAILED, Reason.MEMORY, f"The program was ended: it used more memory{limit}."
    kind, told = _TOLD.get(reason, _TOLD["lost"])
    return JobState.FAILED, kind, told
