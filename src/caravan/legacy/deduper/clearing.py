"""``/deduper/clear-db-table``: the queue is held, everything in it ends, then the program's own command runs."""

from collections.abc import Sequence

import structlog

from caravan.core.clock import utc_now
from caravan.core.errors import CaravanError
from caravan.legacy.deduper.answers import DeduperCleared, DeduperClearFailed
from caravan.legacy.deduper.environment import MISSING, Programs, legacy_environment
from caravan.legacy.deduper.job_answers import stamp
from caravan.legacy.deduper.program import clearing
from caravan.legacy.deduper.queue import DeduperQueue
from caravan.legacy.deduper.workflow import QUEUE
from caravan.platform.jobs import Program, ProgramResult, hold_queue, run_program

__all__ = ["clear_table"]

log = structlog.get_logger(__name__)

_TIMED_OUT = "Clear table command timed out"
_FAILED = "Clear table command failed"


async def clear_table(queue: DeduperQueue) -> tuple[int, DeduperCleared | DeduperClearFailed]:
    """Return status and answer. Jobs created meanwhile wait, and start when the table is empty."""
    environment = legacy_environment()
    programs = Programs.of(environment)
    if not programs.configured:
        return 500, DeduperClearFailed(error=MISSING)
    limit = queue.settings.deduper_clear_timeout
    command = Program(clearing(programs), environment, timeout=limit)
    cancelled: Sequence[int] = ()
    try:
        # Another clear may hold the queue for as long as its command takes.
        async with hold_queue(queue.database, queue.org, QUEUE, patience=limit + 30) as cancelled:
            result = await run_program(command)
    except (OSError, CaravanError) as error:
        log.warning("deduper.clear_failed", error=str(error), cancelled=len(cancelled))
        return 500, _failed(str(error), cancelled)
    finally:
        queue.changed()
    if result.timed_out:
        return 500, _failed(_TIMED_OUT, cancelled)
    log.info("deduper.cleared", code=result.exit_code, cancelled=len(cancelled))
    return (200 if result.exit_code == 0 else 500), _ended(result, cancelled)


def _ended(result: ProgramResult, cancelled: Sequence[int]) -> DeduperCleared:
    return DeduperCleared(
        cleared=result.exit_code == 0,
        cancelledJobs=list(cancelled),
        exitCode=result.exit_code,
        stdout=_text(result.stdout),
        stderr=_text(result.stderr),
        timestamp=stamp(utc_now()),
        error=None if result.exit_code == 0 else _FAILED,
    )


def _failed(error: str, cancelled: Sequence[int]) -> DeduperClearFailed:
    return DeduperClearFailed(error=error, cancelledJobs=list(cancelled), timestamp=stamp(utc_now()))


def _text(output: bytes) -> str:
    """Read what was printed, line ends as Python's text pipes give them."""
    return output.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
