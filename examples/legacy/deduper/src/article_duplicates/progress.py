"""A log line each 10 %."""

from .logs import LOG

__all__ = ["Progress"]


class Progress:
    """Counts towards ``total`` and tells each tenth once."""

    def __init__(self, stage: str, total: int, what: str) -> None:
        self._stage, self._total, self._what = stage, total, what
        self._done = self._told = 0

    def add(self, count: int) -> None:
        """Note that so many more are done."""
        self._done += count
        tenth = 10 * self._done // self._total if self._total else 10
        if tenth > self._told:
            self._told = tenth
            LOG.info("%s: %d %% (%d of %d %s)", self._stage, 10 * tenth, self._done, self._total, self._what)
