"""Ending the processes of a job whose guardian is gone or cannot be spoken to."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Final

import structlog

from caravan.platform.jobs.guardian.orders import MARK
from caravan.platform.jobs.guardian.processes import Process, below, send, table

__all__ = ["marked", "sweep"]

log = structlog.get_logger(__name__)

_PAUSE: Final = 0.05
_GIVE_UP: Final = 20.0


def marked(job: str, known: Path | None = None) -> list[Process]:
    """Return the living processes of a job: those with its mark in their environment, and all below them.

    ``known`` is the guardian's list of those it saw, for those that have shed their environment.
    """
    everything = table()
    told = _told(known)
    mine = {
        process.pid: process
        for process in everything.values()
        if not process.dead and ((process.pid, process.started) in told or _carries(process.pid, job))
    }
    mine.update({process.pid: process for process in below(list(mine), everything)})
    mine.pop(os.getpid(), None)
    return list(mine.values())


async def sweep(job: str, known: Path | None = None, *, patience: float) -> None:
    """Wait until a job has no process left: for ``patience`` seconds its guardian is let do its work, then all are killed."""
    loop = asyncio.get_running_loop()
    kill_at = loop.time() + patience
    while found := await asyncio.to_thread(marked, job, known):
        if loop.time() > kill_at + _GIVE_UP:
            log.error("job.processes_left", job_id=job, pids=[process.pid for process in found])
            return
        if loop.time() > kill_at or not _guarded(found, job):
            _kill(found)
        await asyncio.sleep(_PAUSE)


def _guarded(found: list[Process], job: str) -> bool:
    """Tell whether a guardian is among them: its program line says so."""
    return any(_is_guardian(process.pid, job) for process in found)


def _is_guardian(pid: int, job: str) -> bool:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(part.endswith(b"/guardian/start.py") for part in line) and _carries(pid, job)


def _kill(found: list[Process]) -> None:
    for process in found:
        send(process, signal.SIGSTOP)
    for process in found:
        send(process, signal.SIGKILL)


def _told(path: Path | None) -> frozenset[tuple[int, int]]:
    if path is None:
        return frozenset()
    try:
        listed: list[list[int]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()
    return frozenset((pid, started) for pid, started in listed)


def _carries(pid: int, job: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"\0{MARK}={job}:".encode() in b"\0" + environment
