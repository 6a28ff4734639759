"""A process that is killed in the middle of a switch: for each line it reads it forks a child that dies at that point.

A point counts entries of the journal and acts, before and after each. The line that it prints is the signal that ended the child.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from caravan.core.database import DatabaseAddress
from caravan.migration.units import Scope
from caravan.migration.units import transition_rows as rows_module
from tests.integration.migration.cutover.real_stores import Kind, RealStore, cutovers


def main(database: str, kind: Kind, old: str, new: str) -> None:
    for line in sys.stdin:
        command, org, point = line.split()
        child = os.fork()
        if child == 0:
            dying(int(point))
            made = cutovers(
                DatabaseAddress.parse(database),
                Scope(UUID(org), "shop"),
                RealStore(kind, old),
                RealStore("postgresql", new),
            )
            Dies(made.carrier, "publish")
            Dies(made.carrier, "perform")
            getattr(made, command)("orders")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


LEFT = [0]


def dying(point: int) -> None:
    LEFT[0] = point
    real = rows_module.append

    def append(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - stands for append
        step()
        return real(*arguments, **named)

    rows_module.append = append


def step() -> None:
    LEFT[0] -= 1
    if LEFT[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)


class Dies:
    """Wraps one method: a point before and one behind it."""

    def __init__(self, carrier: Any, name: str) -> None:  # noqa: ANN401 - patched
        real: Callable[[Any], Mapping[str, Any]] = getattr(carrier, name)

        def wrapped(asked: Any) -> Mapping[str, Any]:  # noqa: ANN401 - either
            step()
            told = real(asked)
            step()
            return told

        setattr(carrier, name, wrapped)


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]
