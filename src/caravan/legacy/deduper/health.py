"""``/deduper/health``: configuration checked anew at each call, jobs counted; 200 also when unhealthy."""

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from caravan.core.clock import Clock, utc_now
from caravan.legacy.deduper.answers import (
    DeduperEnvironment,
    DeduperHealth,
    DeduperHealthChecks,
    DeduperJobCounts,
)
from caravan.legacy.deduper.environment import Programs
from caravan.legacy.deduper.job_answers import stamp
from caravan.legacy.deduper.json_form import encoded
from caravan.platform.jobs import Counts

__all__ = ["health_body"]

_NEVER: Final = "-"


@dataclass(frozen=True, slots=True)
class _Findings:
    """What a look at the configuration brought."""

    deduper_configured: bool
    python_configured: bool
    deduper_exists: bool | None
    python_problem: str | None
    program_problem: str | None


def health_body(programs: Programs, counts: Counts, clock: Clock = utc_now) -> bytes:
    """Return the answer. It is unhealthy while a job could not be launched."""
    return _but_for_the_stamp(_look(programs), counts) + f'{stamp(clock())}"}}\n'.encode()


def _look(programs: Programs) -> _Findings:
    program_problem = programs.main_problem()
    return _Findings(
        bool(programs.deduper),
        bool(programs.venv),
        _exists(programs.deduper, program_problem),
        programs.python_problem(),
        program_problem,
    )


def _exists(folder: str, program_problem: str | None) -> bool | None:
    """Tell whether a configured folder is there; it is when its program was found."""
    if not folder:
        return None
    return program_problem is None or os.path.exists(folder)  # noqa: PTH110 - an empty path is no path


@lru_cache(maxsize=64)
def _but_for_the_stamp(found: _Findings, counts: Counts) -> bytes:
    """Return the answer up to its stamp, which is its last value: keys are sorted."""
    well = found.python_problem is None and found.program_problem is None
    answer = DeduperHealth(
        status="healthy" if well else "unhealthy",
        timestamp=_NEVER,
        environment=DeduperEnvironment(
            deduper_path_configured=found.deduper_configured,
            python_venv_configured=found.python_configured,
            deduper_path_exists=found.deduper_exists,
        ),
        checks=DeduperHealthChecks(
            python=found.python_problem or "ok", program=found.program_problem or "ok"
        ),
        jobs=DeduperJobCounts(
            total=counts.total,
            active=counts.pending + counts.running,
            pending=counts.pending,
            running=counts.running,
            completed=counts.completed,
            failed=counts.failed,
            cancelled=counts.cancelled,
        ),
    )
    return encoded(answer).removesuffix(f'{_NEVER}"}}\n'.encode())
