"""The legacy's answers, as OpenAPI shows them: absent keys are left out, never null."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from caravan.legacy.deduper.report_ids import ReportNumber

__all__ = [
    "DeduperCancelledJob",
    "DeduperClearFailed",
    "DeduperCleared",
    "DeduperCreatedJob",
    "DeduperCreatedReportJob",
    "DeduperEnvironment",
    "DeduperHealth",
    "DeduperHealthChecks",
    "DeduperJobCounts",
    "DeduperJobDetail",
    "DeduperJobInList",
    "DeduperJobList",
    "DeduperProblem",
    "DeduperUnhealthyAnswer",
    "Status",
]

Status = Literal["pending", "running", "completed", "failed", "cancelled"]
JobId = Annotated[int, Field(ge=1)]
Stamp = Annotated[str, Field(examples=["2026-02-23T10:15:30.123456+00:00"])]


def _drop_null(schema: dict[str, Any]) -> None:
    """Say what is true of every key that may be missing: it is there with a value, or it is not there."""
    for field in schema["properties"].values():
        options = [option for option in field.get("anyOf", ()) if option != {"type": "null"}]
        if len(options) == 1:
            del field["anyOf"]
            field.update(options[0])
        if field.get("default", ...) is None:
            del field["default"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_drop_null)


class DeduperCreatedJob(_Shape):
    jobId: JobId  # noqa: N815 - the legacy's key
    status: Literal["pending"] = "pending"


class DeduperCreatedReportJob(DeduperCreatedJob):
    reportId: ReportNumber  # noqa: N815 - the legacy's key


class DeduperJobInList(_Shape):
    jobId: JobId  # noqa: N815 - the legacy's key
    status: Status
    createdAt: Stamp  # noqa: N815 - the legacy's key


class DeduperJobList(_Shape):
    """In the order of creation."""

    jobs: list[DeduperJobInList]


class DeduperJobDetail(_Shape):
    """``exitCode`` when the program ended (negative: by that signal); ``error`` when it never began or was timed out."""

    jobId: JobId  # noqa: N815 - the legacy's key
    status: Status
    createdAt: Stamp  # noqa: N815 - the legacy's key
    startedAt: Stamp | None = None  # noqa: N815 - the legacy's key
    completedAt: Stamp | None = None  # noqa: N815 - the legacy's key
    reportId: ReportNumber | None = None  # noqa: N815 - the legacy's key
    exitCode: int | None = None  # noqa: N815 - the legacy's key
    error: str | None = None
    stdout: str | None = None
    stderr: str | None = None


class DeduperCancelledJob(_Shape):
    jobId: JobId  # noqa: N815 - the legacy's key
    status: Literal["cancelled"] = "cancelled"
    message: Literal["Job cancelled successfully"] = "Job cancelled successfully"


class DeduperProblem(_Shape):
    error: str


class DeduperJobCounts(_Shape):
    """``active`` is what waits and what runs."""

    total: int
    active: int
    pending: int
    running: int
    completed: int
    failed: int
    cancelled: int


class DeduperEnvironment(_Shape):
    """``deduper_path_exists`` is there when the path is configured."""

    deduper_path_configured: bool
    python_venv_configured: bool
    deduper_path_exists: bool | None = None


class DeduperHealthChecks(_Shape):
    """``ok``, or what is wrong in words: the interpreter, the program."""

    python: str
    program: str


class DeduperHealth(_Shape):
    status: Literal["healthy", "unhealthy"]
    timestamp: Stamp
    environment: DeduperEnvironment
    checks: DeduperHealthChecks
    jobs: DeduperJobCounts


class DeduperUnhealthyAnswer(_Shape):
    status: Literal["unhealthy"] = "unhealthy"
    error: str
    timestamp: Stamp


class DeduperCleared(_Shape):
    """What the program's own command said; ``error`` when it failed."""

    cleared: bool
    cancelledJobs: list[JobId]  # noqa: N815 - the legacy's key
    exitCode: int  # noqa: N815 - the legacy's key
    stdout: str
    stderr: str
    timestamp: Stamp
    error: str | None = None


class DeduperClearFailed(_Shape):
    """Clearing that never ended: not configured (``error`` alone), timed out, or not begun."""

    error: str
    cancelledJobs: list[JobId] | None = None  # noqa: N815 - the legacy's key
    timestamp: Stamp | None = None
