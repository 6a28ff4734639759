"""The command line as people use it, in one folder, each command told as it is run."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.drill.record import DrillError
from scripts.drill.sides import Limit

__all__ = ["Commands", "Done"]

_LAST_LINES = 6


@dataclass(frozen=True)
class Done:
    """What a command ended with and printed; ``last`` is the line that sums up."""

    code: int
    out: str
    said: str

    @property
    def last(self) -> str:
        """The last line it printed."""
        return (self.out.strip().splitlines() or [""])[-1]


@dataclass(frozen=True)
class Commands:
    """``caravan …`` with its home in ``folder``."""

    folder: Path
    environment: Mapping[str, str]
    limit: Limit

    def line(self, *arguments: object) -> list[str]:
        """Return the command as a program takes it."""
        return [sys.executable, "-m", "caravan.entry.cli", *map(str, arguments)]

    def run(self, *arguments: object, wanted: tuple[int, ...] = (0,)) -> Done:
        """Run one to its end.

        Raises:
            DrillError: it ended with another code than wanted, or not in time; the message holds what it printed last.
        """
        try:
            done = subprocess.run(  # noqa: S603 - our own program
                self.line(*arguments),
                env=dict(self.environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=self.limit.left,
            )
        except subprocess.TimeoutExpired as error:
            raise DrillError(f"caravan {' '.join(map(str, arguments))} did not end in time") from error
        if done.returncode not in wanted:
            last = " / ".join([*done.stdout.splitlines(), *done.stderr.splitlines()][-_LAST_LINES:])
            raise DrillError(f"caravan {' '.join(map(str, arguments))} ended with {done.returncode}: {last}")
        return Done(done.returncode, done.stdout, done.stderr)
