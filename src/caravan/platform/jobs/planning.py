"""From a job to the program that does it."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from caravan.core.database import DatabaseAddress
from caravan.platform.jobs.create import parameters_of
from caravan.platform.jobs.program import Program
from caravan.platform.jobs.steps import Claimed
from caravan.platform.jobs.workflows import Surroundings, Workflow, workflow_named

__all__ = ["Planner"]


class Planner:
    """``modules`` register the workflows; a child that runs a function imports them too."""

    def __init__(
        self, surroundings: Surroundings, address: DatabaseAddress, modules: Sequence[str] = ()
    ) -> None:
        self._surroundings = surroundings
        self._address = address
        self._modules = tuple(modules)

    def program(self, job: Claimed) -> Program:
        """Return what to run.

        Raises:
            LaunchRefusedError: the workflow will not start.
            WorkflowUnknownError: this process does not know it.
            ParametersInvalidError: they do not fit this version of it.
        """
        workflow = workflow_named(job.workflow)
        parameters = parameters_of(workflow, job.parameters)
        if workflow.plan is not None:
            program: Program = workflow.plan(parameters, self._surroundings)
            return program
        return self._function(workflow, parameters, job)

    def doubt(self, job: Claimed) -> str | None:
        """Return what the workflow warns of after a job that completed."""
        workflow = workflow_named(job.workflow)
        if workflow.doubt is None:
            return None
        found: str | None = workflow.doubt(parameters_of(workflow, job.parameters), self._surroundings)
        return found

    def _function(self, workflow: Workflow[Any], parameters: BaseModel, job: Claimed) -> Program:
        module, _, _ = (workflow.run or "").partition(":")
        letter = {
            "modules": (*self._modules, module),
            "org": str(job.org),
            "job": str(job.id),
            "database": self._address.url,
            "parameters": parameters.model_dump(mode="json"),
        }
        return Program(
            command=(sys.executable, "-m", "caravan.platform.jobs.run_workflow", workflow.name),
            env=dict(self._surroundings.environment),
            timeout=workflow.timeout,
            memory=workflow.memory,
            grace=workflow.grace,
            output=workflow.output,
            input=json.dumps(letter).encode(),
        )
