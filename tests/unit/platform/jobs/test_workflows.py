"""The registry of workflows: no two of a name, no queue with two ideas of its width."""

import pytest
from pydantic import BaseModel

from caravan.platform.jobs import Program, Surroundings, Workflow, WorkflowUnknownError, register
from caravan.platform.jobs.workflows import _workflows, workflow_named, workflows


class Nothing(BaseModel):
    pass


def plan(_parameters: Nothing, _surroundings: Surroundings) -> Program:
    return Program(("true",))


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(_workflows)
    monkeypatch.setattr("caravan.platform.jobs.workflows._workflows", before)


def test_a_workflow_is_found_by_its_name() -> None:
    made = register(Workflow(name="a.first", parameters=Nothing, plan=plan))
    assert register(made) is made
    assert workflow_named("a.first") is made
    assert made in workflows()
    with pytest.raises(WorkflowUnknownError, match=r"no workflow 'b\.second'; there are: .*a\.first"):
        workflow_named("b.second")


def test_two_of_one_name_are_refused() -> None:
    register(Workflow(name="a.first", parameters=Nothing, plan=plan))
    with pytest.raises(TypeError, match=r"Two workflows are called 'a\.first'"):
        register(Workflow(name="a.first", parameters=Nothing, plan=plan, queue="elsewhere"))


def test_two_ideas_of_one_queue_are_refused() -> None:
    register(Workflow(name="a.first", parameters=Nothing, plan=plan, queue="one queue"))
    with pytest.raises(TypeError, match="disagree on their queue's concurrency"):
        register(Workflow(name="a.second", parameters=Nothing, plan=plan, queue="one queue", concurrency=2))


def test_a_workflow_has_either_a_plan_or_a_function() -> None:
    with pytest.raises(TypeError, match="either a plan or a function"):
        Workflow(name="a.first", parameters=Nothing)
    with pytest.raises(TypeError, match="either a plan or a function"):
        Workflow(name="a.first", parameters=Nothing, plan=plan, run="x:y")
