"""Processor time of servers and of this process that asks them: what a comparison costs, however busy the machine is."""

import time
from collections.abc import Sequence
from typing import Final

import psutil

__all__ = ["ProcessorTime"]

_BURIAL: Final = 1.0


class ProcessorTime:
    """Counts from when it is made: these servers with their children, and this process."""

    def __init__(self, servers: Sequence[int]) -> None:
        self._servers = [psutil.Process(pid) for pid in servers]
        self._began = self._now()

    def seconds(self) -> float:
        """Return what was used since, when the servers have buried the processes of connections that were closed."""
        time.sleep(_BURIAL)
        return round(self._now() - self._began, 3)

    def _now(self) -> float:
        used = 0.0
        for server in self._servers:
            times = server.cpu_times()
            used += times.user + times.system + times.children_user + times.children_system
            for child in server.children(recursive=True):
                try:
                    times = child.cpu_times()
                    used += times.user + times.system
                except psutil.NoSuchProcess:
                    continue
        return used + time.process_time()
