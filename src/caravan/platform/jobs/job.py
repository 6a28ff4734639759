"""A job as the rest of the house sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

__all__ = ["FINISHED", "Counts", "Job", "JobState", "Reason"]


class JobState(StrEnum):
    """``pending → running → completed | failed | cancelled``, and ``pending → cancelled``; a finished job never changes."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED: Final = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})


class Reason(StrEnum):
    """Why a job ended. ``LAUNCH``: its program never ran. ``WORKER_LOST``: who looked after it died."""

    EXIT = "exit"
    LAUNCH = "launch"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    WORKER_LOST = "worker_lost"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """One job. ``number`` counts from 1 in its queue without gaps, in the order of commits, and is never used again.

    ``exit_code`` is negative when the signal of that number ended the program, None when it never ran or has not ended.
    ``ended_at`` is set when its processes are gone: a cancelled job has it a little later than ``finished_at``.
    ``error`` is for people; programs read ``reason``. ``peak_memory`` and ``output_bytes`` are bytes.
    """

    org: UUID
    id: UUID
    queue: str
    number: int
    workflow: str
    parameters: Mapping[str, Any]
    reference: str | None
    state: JobState
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    ended_at: datetime | None
    cancel_requested_at: datetime | None
    error: str | None
    reason: Reason | None
    exit_code: int | None
    signal: int | None
    duration_ms: int | None
    peak_memory: int | None
    output_bytes: int | None
    progress: Mapping[str, Any] | None
    result: Any


@dataclass(frozen=True, slots=True)
class Counts:
    """How many jobs of one queue are in each state."""

    pending: int = 0
    running: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        """All jobs ever created in the queue."""
        return self.pending + self.running + self.completed + self.failed + self.cancelled
