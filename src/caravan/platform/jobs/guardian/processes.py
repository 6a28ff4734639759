"""The processes below the guardian, as /proc shows them.

The guardian is their subreaper (prctl(2), PR_SET_CHILD_SUBREAPER): whoever loses its parent becomes its child, so the
tree below it holds every descendant, whatever session or group it made for itself.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from typing import NamedTuple

__all__ = ["LINUX", "Process", "adopt_orphans", "below", "resident", "send", "table"]

LINUX = sys.platform == "linux"
_PR_SET_CHILD_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STATE, _PARENT, _STARTED, _RESIDENT = (
    0,
    1,
    19,
    21,
)  # fields of /proc/PID/stat behind the name (proc_pid_stat(5))


class Process(NamedTuple):
    """``started`` is in clock ticks since boot: with the id it names one process for ever. ``resident`` is bytes."""

    pid: int
    parent: int
    started: int
    resident: int
    dead: bool


def adopt_orphans() -> None:
    """Have descendants that lose their parent become children of this process."""
    if LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _read(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib is slow to import here
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    if len(fields) <= _RESIDENT:
        return None
    return Process(
        pid,
        int(fields[_PARENT]),
        int(fields[_STARTED]),
        int(fields[_RESIDENT]) * _PAGE,
        fields[_STATE] in (b"Z", b"X"),
    )


def table() -> dict[int, Process]:
    """Return all processes of the machine by id; empty where there is no /proc."""
    if not LINUX:
        return {}
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - as above
        if name.isdigit() and (process := _read(int(name))) is not None:
            found[process.pid] = process
    return found


def below(roots: Iterable[int], everything: Mapping[int, Process]) -> list[Process]:
    """Return the living descendants of these processes, they themselves left out."""
    children: dict[int, list[Process]] = {}
    for process in everything.values():
        children.setdefault(process.parent, []).append(process)
    waiting, found = list(roots), []
    while waiting:
        for child in children.get(waiting.pop(), ()):
            waiting.append(child.pid)
            if not child.dead:
                found.append(child)
    return found


def resident(processes: Iterable[Process]) -> int:
    """Return the sum of their resident sets in bytes."""
    return sum(process.resident for process in processes)


def send(process: Process, number: int) -> bool:
    """Send a signal to exactly this process; False when we may not. One that is gone has nothing to be sent."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (OSError, AttributeError):
        return True
    try:
        again = _read(process.pid)
        if again is None or again.started != process.started:
            return True  # another one has its number by now
        signal.pidfd_send_signal(descriptor, number)
    except PermissionError:
        return False
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)
    return True
