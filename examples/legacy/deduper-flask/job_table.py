"""The jobs of this process: a dictionary, a counter, and a thread per job. Nothing is locked, as in the legacy."""

import os
import subprocess
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

__all__ = ["JOBS", "Job", "add_job", "command", "now", "stop_child"]

ACTIVE: Final = ("pending", "running")
MISSING: Final = "Missing environment variables for deduper or python venv"


def now() -> str:
    return datetime.now(UTC).isoformat()


@dataclass
class Job:
    """A job; ``None`` is what was never written, and is left out of answers."""

    id: int
    report_id: int | None
    status: str = "pending"
    created_at: str = field(default_factory=now)
    started_at: str | None = None
    completed_at: str | None = None
    exit_code: int | None = None
    error: str | None = None
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    def answer(self) -> dict[str, Any]:
        """Return the record as the status route shows it."""
        told = {
            "jobId": self.id,
            "status": self.status,
            "createdAt": self.created_at,
            "reportId": self.report_id,
            "startedAt": self.started_at,
            "completedAt": self.completed_at,
            "exitCode": self.exit_code,
            "error": self.error,
        }
        if self.exit_code is not None:
            told["stdout"] = "Process output streamed to terminal"
            told["stderr"] = "Process errors streamed to terminal"
        return {key: value for key, value in told.items() if value is not None}

    def cancel(self, seconds: float) -> None:
        """End the child, if it is known yet, and write the outcome over whatever the thread wrote."""
        if self.process is not None:
            stop_child(self.process, seconds)
        self.status = "cancelled"
        self.completed_at = now()


JOBS: Final[dict[int, Job]] = {}
_last = 0


def add_job(report_id: int | None = None) -> Job:
    """Record a job and start its thread."""
    global _last  # noqa: PLW0603 - the legacy's counter: process-wide, unlocked
    _last += 1
    job = JOBS[_last] = Job(_last, report_id)
    threading.Thread(target=_run, args=(job,), daemon=True).start()
    return job


def command() -> list[str] | None:
    """Return interpreter and program from the environment of this moment; ``None`` when either is not set."""
    interpreter = os.environ.get("PATH_TO_PYTHON_VENV")
    program = os.environ.get("PATH_TO_MICROSERVICE_DEDUPER")
    return [f"{interpreter}/bin/python", f"{program}/src/main.py"] if interpreter and program else None


def stop_child(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Ask it to end, wait the whole time even if it ends at once, then kill it."""
    process.terminate()
    threading.Event().wait(seconds)
    if process.poll() is None:
        process.kill()


def _run(job: Job) -> None:
    job.status = "running"
    job.started_at = now()
    try:
        started = command()
        if started is None:
            raise ValueError(MISSING)
        scope = [] if job.report_id is None else ["--report-id", str(job.report_id)]
        argv = [*started, "analyze_fast", *scope]
        job.process = subprocess.Popen(argv)  # noqa: S603 - what the operator configured
        job.exit_code = job.process.wait()
        job.status = "completed" if job.exit_code == 0 else "failed"
    except Exception as error:  # noqa: BLE001 - any failure is the job's outcome
        job.status = "failed"
        job.error = str(error)
    job.completed_at = now()
    print(f"job {job.id}: {job.status}, exit code {job.exit_code}")
