"""Which workflows there are: what a job can run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel

from caravan.core.settings import Settings
from caravan.platform.jobs.errors import WorkflowUnknownError
from caravan.platform.jobs.program import DEFAULT_GRACE, DEFAULT_OUTPUT, Program

__all__ = ["Surroundings", "Workflow", "register", "workflow_named", "workflows"]

P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a job is launched: the settings and the environment of the process that runs jobs, as they are then."""

    settings: Settings
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Workflow(Generic[P]):
    """One kind of job: either ``plan`` makes a program of its parameters, or ``run`` names a function "module:function".

    ``plan`` may raise ``LaunchRefusedError``. The function is called in a child program with a ``Run`` and the
    parameters, and returns what can be written as JSON. At most ``concurrency`` jobs of one queue of one organisation
    run at a time; all workflows of a queue must agree on it. ``timeout``, ``memory``, ``grace`` and ``output`` are for
    ``run``; a plan sets its own. ``offered`` says whether ``POST /api/v1/jobs`` takes it. ``doubt`` looks at what a job
    that completed has left, before the next one of its queue begins, and returns what to warn of.
    """

    name: str
    parameters: type[P]
    plan: Callable[[P, Surroundings], Program] | None = None
    run: str | None = None
    queue: str = "default"
    concurrency: int = 1
    timeout: float | None = None
    memory: int | None = None
    grace: float = DEFAULT_GRACE
    output: int = DEFAULT_OUTPUT
    offered: bool = True
    doubt: Callable[[P, Surroundings], str | None] | None = None

    def __post_init__(self) -> None:
        if (self.plan is None) == (self.run is None):
            raise TypeError(f"The workflow {self.name!r} needs either a plan or a function to run.")


_workflows: Final[dict[str, Workflow[Any]]] = {}


def register(workflow: Workflow[P]) -> Workflow[P]:
    """Add a workflow; raises ``TypeError`` when another one has its name or other ideas about its queue."""
    for other in _workflows.values():
        if other.name == workflow.name and other != workflow:
            raise TypeError(f"Two workflows are called {workflow.name!r}.")
        if other.queue == workflow.queue and other.concurrency != workflow.concurrency:
            raise TypeError(f"{workflow.name!r} and {other.name!r} disagree on their queue's concurrency.")
    _workflows[workflow.name] = workflow
    return workflow


def workflow_named(name: str) -> Workflow[Any]:
    """Return a workflow; raises ``WorkflowUnknownError``."""
    if (found := _workflows.get(name)) is None:
        known = ", ".join(sorted(_workflows)) or "none"
        raise WorkflowUnknownError(f"There is no workflow {name!r}; there are: {known}.")
    return found


def workflows() -> tuple[Workflow[Any], ...]:
    """Return all workflows, by name."""
    return tuple(workflow for _, workflow in sorted(_workflows.items()))
