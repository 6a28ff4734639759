"""What one question to the worker is, and what is expected of both sides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

__all__ = ["HTML", "JSON", "Answer", "Probe", "Situation"]

HTML: Final = "text/html; charset=utf-8"
JSON: Final = "application/json"


class Situation(StrEnum):
    """What holds before the question; ``{job}`` in a path is the id of the job that it speaks of."""

    EMPTY = "no job yet"
    COMPLETED = "a job for report 5 that ended with exit code 0"
    EXITED = "a job that ended with exit code 3"
    RUNNING = "a job for report 5 that runs until it is cancelled"
    CANCELLED = "a running job that was cancelled and has ended"
    UNCONFIGURED = "neither path variable is set; a job was created"
    WRONG_PYTHON = "PATH_TO_PYTHON_VENV leads nowhere; a job was created"
    WRONG_PROGRAM = "PATH_TO_MICROSERVICE_DEDUPER leads nowhere; a job was created"
    CLEAR_FAILS = "the program's clear_table ends with exit code 1"
    CLEAR_HANGS = "the program's clear_table outlasts the time limit"


@dataclass(frozen=True, slots=True)
class Answer:
    """``keys`` are all keys of the JSON object (None: no object), ``body`` the exact bytes where they are fixed.

    ``values`` are the values that do not vary, by dotted key; ``allow`` the methods of the Allow header in any order.
    """

    status: int
    type: str = JSON
    keys: frozenset[str] | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    body: bytes | None = None
    allow: frozenset[str] | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """One question. ``ours`` is None when both sides answer alike; else ``difference`` names the accepted difference.

    ``volatile`` are the dotted keys whose values vary between runs and sides; ``content_type`` None sends none.
    ``documented`` says that the legacy's answer is that of its documents, so of a legacy with its ids mended; all other
    answers are those of the legacy as deployed.
    """

    name: str
    method: str
    path: str
    legacy: Answer
    ours: Answer | None = None
    difference: str | None = None
    situation: Situation = Situation.EMPTY
    content_type: str | None = None
    content: bytes = b""
    volatile: frozenset[str] = frozenset()
    documented: bool = False

    @property
    def expected(self) -> Answer:
        """What the new worker answers."""
        return self.ours or self.legacy
