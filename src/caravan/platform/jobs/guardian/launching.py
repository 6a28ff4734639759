"""Starts the program in a session of its own; what keeps it from being executed is told as ``subprocess`` would."""

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .events import EVENTS
from .orders import MARK, Order

__all__ = ["launch"]

_PIPES = ("stdout", "stderr", "events", "report")


def launch(order: Order) -> "tuple[int, dict[str, int]]":
    """Return the program's pid and the ends of its pipes to read: stdout, stderr, events.

    Raises:
        OSError: it cannot be executed; nothing of it is left.
    """
    pipes = {name: os.pipe() for name in _PIPES}
    numbers = [str(os.getpid()), str(pipes["report"][1]), order["cwd"] or ""]
    shim = str(Path(__file__).with_name("become.py"))
    env = {**order["env"], MARK: os.environ.get(MARK, ""), EVENTS: str(pipes["events"][1])}
    try:
        with _input(order["input"]) as given:
            child = subprocess.Popen(  # noqa: S603 - what we were ordered to run
                [sys.executable, "-I", "-S", shim, *numbers, *order["command"]],
                env=env,
                stdin=given,
                stdout=pipes["stdout"][1],
                stderr=pipes["stderr"][1],
                pass_fds=(pipes["events"][1], pipes["report"][1]),
                start_new_session=True,
            )
    finally:
        for _, written in pipes.values():
            os.close(written)
    child.returncode = 0  # the guardian reaps everybody itself
    ends = {name: read for name, (read, _) in pipes.items()}
    with os.fdopen(ends.pop("report"), "rb") as report:
        told = report.read()
    if told:
        for end in ends.values():
            os.close(end)
        number, _, name = told.decode(errors="surrogateescape").partition("\n")
        os.waitpid(child.pid, 0)
        raise OSError(int(number), os.strerror(int(number)), name)
    return child.pid, ends


@contextlib.contextmanager
def _input(content: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - typing is slow to import here
    if not content:
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - as above
            yield nothing.fileno()
        return
    with tempfile.TemporaryFile() as file:
        file.write(content.encode("latin-1"))
        file.flush()
        file.seek(0)
        yield file.fileno()
