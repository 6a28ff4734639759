"""Processor time of servers and of whoever asks them: what a comparison costs, however busy the machine is."""

import resource
from collections.abc import Sequence

import psutil

__all__ = ["ProcessorTime"]


class ProcessorTime:
    """Counts from when it is made: these servers with their children, this process, and the children it has waited for."""

    def __init__(self, servers: Sequence[int]) -> None:
        self._servers = [psutil.Process(pid) for pid in servers]
        self._began = self._now()

    def seconds(self) -> float:
        """Return what was used since."""
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
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            usage = resource.getrusage(who)
            used += usage.ru_utime + usage.ru_stime
        return used
