"""What a guardian runs, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["DEFAULT_GRACE", "DEFAULT_OUTPUT", "Program", "ProgramResult"]

DEFAULT_GRACE: Final = 5.0
DEFAULT_OUTPUT: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Program:
    """A command line without a shell. ``env`` is the whole environment; ``input`` is what it finds on standard input.

    ``timeout`` and ``grace`` are seconds (from SIGTERM to SIGKILL), ``memory`` is the limit in bytes on the resident
    sets of the program and all its descendants together; None is no limit. ``output`` bytes of output are kept:
    half of them from its beginning, half from its end.
    """

    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: Path | str | None = None
    timeout: float | None = None
    memory: int | None = None
    grace: float = DEFAULT_GRACE
    output: int = DEFAULT_OUTPUT
    input: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """``exit_code`` is negative when a signal ended it. ``stdout`` and ``stderr`` are bounded by ``Program.output`` each.

    ``dropped`` counts the bytes left out of the middle of both; ``seconds`` is its duration, ``peak_memory`` bytes.
    """

    exit_code: int
    stdout: bytes
    stderr: bytes
    timed_out: bool
    out_of_memory: bool
    seconds: float
    peak_memory: int | None
    dropped: int
