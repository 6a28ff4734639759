"""Runs a workflow's function as a program: ``python -m caravan.platform.jobs.run_workflow NAME``, a letter on stdin.

Exit codes: 0 done, 1 it failed (why is told), 3 it ended early because it was asked to.
"""

import asyncio
import inspect
import json
import sys
import traceback
from importlib import import_module
from typing import Any, Final
from uuid import UUID

from caravan.core.database import DatabaseAddress
from caravan.core.errors import CaravanError
from caravan.platform.jobs.create import parameters_of
from caravan.platform.jobs.run import Run
from caravan.platform.jobs.workflows import Workflow, workflow_named

__all__ = ["main"]

_FAILED, _ENDED_EARLY = 1, 3
_NAME_AND_ONE: Final = 2


def main(arguments: list[str]) -> int:
    """Run the named workflow with the letter on standard input."""
    if len(arguments) != _NAME_AND_ONE:
        sys.stderr.write("usage: python -m caravan.platform.jobs.run_workflow NAME < letter\n")
        return 2
    letter = json.load(sys.stdin)
    run = Run(UUID(letter["org"]), UUID(letter["job"]), DatabaseAddress(letter["database"]))
    run.listen()
    try:
        for module in letter["modules"]:
            import_module(module)
        run.result(_called(workflow_named(arguments[1]), run, letter["parameters"]))
    except CaravanError as error:
        run.failed(error.message)
        sys.stderr.write(f"{error.message}\n")
        return _FAILED
    except Exception as error:  # noqa: BLE001 - the last line of defence tells what it was
        run.failed(f"{type(error).__name__}: {error}")
        traceback.print_exc()
        return _FAILED
    return _ENDED_EARLY if run.cancelled else 0


def _called(workflow: Workflow[Any], run: Run, parameters: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    module, _, name = (workflow.run or "").partition(":")
    function = getattr(import_module(module), name)
    found = function(run, parameters_of(workflow, parameters))
    return asyncio.run(found) if inspect.iscoroutine(found) else found


if __name__ == "__main__":
    sys.exit(main(sys.argv))
