"""A server process: started through the launcher, watched, and ended."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from caravan.core.embedded.errors import ServerDidNotStopError
from caravan.core.embedded.folders import plain_errors
from caravan.core.embedded.identity import launcher_command
from caravan.core.embedded.launch import Plan
from caravan.core.embedded.locks import release, try_exclusive

__all__ = [
    "Recorded",
    "end",
    "end_orphans",
    "exit_code",
    "is_server",
    "read_state",
    "spawn",
    "wait_until_free",
]

_STATE_DESCRIPTOR = 3
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
ORPHAN_SECONDS = 5.0  # children of a killed server end by themselves, mostly at once
_LONGEST_LOG = 10_000_000  # bytes; then it becomes .old at the next start


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the state file says: the process id (None while it is being launched) and how to reach the server."""

    pid: int | None
    reach: dict[str, str]


def read_state(state: Path) -> Recorded:
    lines = state.read_text(encoding="utf-8").splitlines() if state.exists() else []
    reach = json.loads(lines[0]) if lines else {}
    pid = int(lines[1]) if len(lines) > 1 else None
    return Recorded(pid, reach)


def spawn(command: Sequence[str], plan: Plan, held: int, reach: dict[str, str], log: Path) -> int:
    """Start ``command`` and return its process id.

    ``held`` is the locked descriptor of the state file: the server inherits it, the caller still closes his own.
    """
    with plain_errors(f"writing the state file and {log}"):
        if log.exists() and log.stat().st_size > _LONGEST_LOG:
            log.replace(log.with_suffix(".log.old"))
        os.ftruncate(held, 0)
        os.pwrite(held, (json.dumps(reach) + "\n").encode(), 0)
        os.lseek(held, 0, os.SEEK_END)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    copy = os.dup(held)  # never number 3 itself, which older C libraries would leave closed after dup2(3, 3)
    try:
        whole = [*launcher_command(json.dumps({**plan, "pid_descriptor": _STATE_DESCRIPTOR})), *command]
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
            (os.POSIX_SPAWN_DUP2, copy, _STATE_DESCRIPTOR),
        ]
        # What we ignore the launcher would ignore too, and a stop signal must end it before it is a server.
        return os.posix_spawn(
            whole[0], whole, server_environment(), file_actions=actions, setsigdef=_STOPPING, setsigmask=()
        )
    finally:
        os.close(output)
        os.close(copy)


def exit_code(pid: int) -> int | None:
    """Reap ``pid`` when it is our ended child and return its code; None while it runs or is not ours."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None if psutil.pid_exists(pid) else -1
    return os.waitstatus_to_exitcode(status) if ended else None


def is_server(pid: int, data: Path) -> bool:
    """Whether ``pid`` lives and works in ``data``, so that a reused process id is not taken for the server."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return Path(process.cwd()).resolve() == data.resolve()
    except psutil.AccessDenied:
        return True
    except (psutil.NoSuchProcess, FileNotFoundError):
        return False


def wait_until_free(state: Path, seconds: float) -> bool:
    """Wait until nobody holds ``state``, that is until the server and its children are gone."""
    deadline = time.monotonic() + seconds
    while (descriptor := try_exclusive(state)) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    release(descriptor)
    return True


def end(pid: int, state: Path, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn and wait its seconds, until the server is gone; reap it when it is our child."""
    for number, seconds in signals:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if _gone(pid, state, seconds):
            return
    raise ServerDidNotStopError(f"Process {pid} did not stop (state file {state}).", pid=pid)


def end_orphans(data: Path, state: Path) -> None:
    """End children of a server that was killed: they work in ``data`` and hold its state file."""
    if wait_until_free(state, ORPHAN_SECONDS):
        return
    for process in psutil.process_iter(["pid"]):
        if process.pid != os.getpid() and _works_in(process, data):
            with contextlib.suppress(psutil.Error):
                process.kill()
    if not wait_until_free(state, ORPHAN_SECONDS):
        raise ServerDidNotStopError(
            f"Something still holds {state}, though its server is gone.", state=str(state)
        )


def _gone(pid: int, state: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while exit_code(pid) is None:
        if time.monotonic() > deadline:
            return False
        if _is_zombie(pid):
            break
        time.sleep(0.005)
    return wait_until_free(state, max(0.1, deadline - time.monotonic()))


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _works_in(process: psutil.Process, data: Path) -> bool:
    try:
        return Path(process.cwd()).resolve() == data.resolve()
    except (psutil.Error, OSError):
        return False


def server_environment() -> dict[str, str]:
    """Return ours without what changes a server's locale, port or folders behind our back."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "TZ": "UTC", "LANG": "C"}
