"""What a guardian is told, and what it tells at the end."""

import time
from typing import Any, TypedDict

__all__ = ["MARK", "Order", "Report", "now"]

MARK = "CARAVAN_JOB"
"""The variable by which the processes of a job are known: ``<job id>:<fence>``."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Return seconds on the clock that guardian and service share: it also counts while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


class Order(TypedDict):
    """The first line on standard input, as JSON. Times are seconds, sizes bytes; ``None`` is no limit.

    After it come commands, a line each: ``until T`` (live on until T on the shared clock), ``cancel``, ``stop``,
    ``kill``. The end of the pipe is the end of the service.
    """

    folder: str  # where the guardian writes
    command: list[str]
    env: dict[str, str]
    cwd: str | None
    input: str  # Latin-1 of the bytes on standard input
    timeout: float | None
    memory: int | None
    grace: float
    last_grace: float  # when the service is gone
    output: int
    separate: bool  # one log per stream, each with its own bound
    until: float | None
    sample: float


class Report(TypedDict, total=False):
    """How it ended. ``reason`` is exit, launch, timeout, memory, cancelled, stopped or lost.

    ``launch`` is errno and file when it could not be executed. ``exit_code`` is negative for a signal. ``left`` are processes that could not be ended.
    """

    reason: str
    error: str | None
    launch: tuple[int, str]
    exit_code: int | None
    duration_ms: int
    peak_memory: int | None
    output_bytes: int
    output_dropped: int
    progress: Any
    result: Any
    left: list[int]
    group_only: bool
