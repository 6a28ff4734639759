"""A tool run as a process of its own: how long it took, what processor time it and the servers used, how much memory it held at most."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from bench.processor_time import ProcessorTime

__all__ = ["ToolRun", "run_tool"]

_LOOK_EVERY: Final = 0.05


@dataclass(frozen=True, slots=True)
class ToolRun:
    """``tool`` and ``servers`` are seconds of processor time, ``mib`` the resident memory of the tool's processes at their most."""

    seconds: float
    tool: float
    servers: float
    mib: int
    code: int
    said: str

    def told(self, rows: int) -> dict[str, Any]:
        """Return the figures, with rows per second by the clock and per second of all processor time."""
        used = self.tool + self.servers
        return {
            "seconds": round(self.seconds, 2),
            "rows_per_second": round(rows / self.seconds),
            "rows_per_processor_second": round(rows / used) if used else 0,
            "tool_processor_seconds": round(self.tool, 2),
            "server_processor_seconds": round(self.servers, 2),
            "peak_mib": self.mib,
            "exit_code": self.code,
        }


def run_tool(
    command: Sequence[str], servers: Sequence[int], log: Path, environment: Mapping[str, str] | None = None
) -> ToolRun:
    """Run the command to its end; ``log`` takes what it says, ``servers`` are the processes that work for it."""
    used = ProcessorTime(servers)
    own = time.process_time()
    with log.open("wb") as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
        )
        memory = _Memory(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        memory.end()
        process.returncode = os.waitstatus_to_exitcode(status)
    own = time.process_time() - own
    return ToolRun(
        seconds,
        usage.ru_utime + usage.ru_stime,
        max(0.0, used.seconds() - own),
        memory.most // 1_048_576,
        process.returncode,
        log.read_text(encoding="utf-8", errors="replace")[-4000:],
    )


class _Memory:
    """Looks at a process and all below it until it is ended."""

    def __init__(self, pid: int) -> None:
        self.most = 0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_EVERY):
            try:
                root = psutil.Process(self._pid)
                found = [root, *root.children(recursive=True)]
                self.most = max(self.most, sum(_resident(one) for one in found))
            except psutil.NoSuchProcess:
                return


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
