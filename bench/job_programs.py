"""The workflow of the campaign of jobs: a line of shell."""

import os

from pydantic import BaseModel

from caravan.platform.jobs import Program, Surroundings, Workflow, register

__all__ = ["LINE"]


class Line(BaseModel):
    script: str


def plan(parameters: Line, _surroundings: Surroundings) -> Program:
    path = {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}
    return Program(("/bin/sh", "-c", parameters.script), path, grace=0.2, output=4096)


LINE = register(Workflow(name="bench.line", parameters=Line, plan=plan, queue="line", offered=False))
