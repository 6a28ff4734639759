"""What goes over the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from caravan.core.http import Answer
from caravan.platform.jobs.job import JobState, Reason

__all__ = ["JobIn", "JobOut", "WorkflowOut"]

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[a-z0-9_.-]+$")]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]


class JobIn(Answer):
    workflow: Name = Field(examples=["audit.verify"])
    parameters: dict[str, Any] = Field(default_factory=dict, description="As the workflow wants them.")
    reference: Reference | None = Field(None, description="Your own name for what the job is about.")


class JobOut(Answer):
    id: UUID
    queue: str
    number: int = Field(description="Counts from 1 in the queue, without gaps.")
    workflow: str
    parameters: dict[str, Any]
    reference: str | None
    state: JobState
    reason: Reason | None = Field(description="Why it ended.")
    error: str | None = Field(description="The same for people.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    ended_at: datetime | None = Field(description="When its last process was gone.")
    exit_code: int | None = Field(description="Negative when a signal ended the program.")
    signal: int | None
    duration_ms: int | None
    peak_memory: int | None = Field(description="Bytes, of all its processes together.")
    output_bytes: int | None
    progress: dict[str, Any] | None
    result: Any


class WorkflowOut(Answer):
    name: str
    queue: str
    concurrency: int
    parameters: dict[str, Any] = Field(description="JSON schema of the parameters.")
