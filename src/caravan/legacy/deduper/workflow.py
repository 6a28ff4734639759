"""The deduper's jobs: one queue, one at a time, launched only when what the operator configured is there."""

from typing import Final

from pydantic import BaseModel, ConfigDict

from caravan.legacy.deduper.emptied import empty_table_doubt
from caravan.legacy.deduper.environment import Programs, legacy_environment
from caravan.legacy.deduper.program import analysis
from caravan.platform.jobs import LaunchRefusedError, Program, Surroundings, Workflow, register

__all__ = ["ANALYSE", "ORGANISATION", "QUEUE", "Analysis"]

ORGANISATION: Final = "deduper"
"""The code of the organisation in which the jobs live: callers of the old addresses have none."""

QUEUE: Final = "deduper"


class Analysis(BaseModel):
    """What a job is about: one report, or all new articles."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    report: str | None = None


def _plan(asked: Analysis, surroundings: Surroundings) -> Program:
    environment = legacy_environment(surroundings.environment)
    programs = Programs.of(environment)
    if (problem := programs.problem()) is not None:
        raise LaunchRefusedError(problem)
    return Program(
        analysis(programs, asked.report), environment, timeout=surroundings.settings.deduper_timeout
    )


def _doubt(_asked: Analysis, surroundings: Surroundings) -> str | None:
    return empty_table_doubt(legacy_environment(surroundings.environment))


ANALYSE: Final = register(
    # The program empties and fills one shared table: two at a time would overwrite each other.
    Workflow("deduper.analyze", Analysis, plan=_plan, doubt=_doubt, queue=QUEUE, concurrency=1, offered=False)
)
