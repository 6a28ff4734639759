"""The command lines of the deduper program."""

from collections.abc import Sequence
from typing import Final

from caravan.legacy.deduper.environment import Programs

__all__ = ["analysis", "clearing"]

_ANALYSE: Final = "analyze_fast"
_CLEAR: Final = ("clear_table", "-y")


def analysis(programs: Programs, report: str | None) -> Sequence[str]:
    """Return the command of a job; ``report`` goes to the program digit for digit."""
    scope = () if report is None else ("--report-id", report)
    return (programs.python, programs.main, _ANALYSE, *scope)


def clearing(programs: Programs) -> Sequence[str]:
    """Return the command that empties the table without asking."""
    return (programs.python, programs.main, *_CLEAR)
