"""What a workflow of ours tells while it runs: lines of JSON on a descriptor of its own."""

import json
from typing import Any

__all__ = ["EVENTS", "Events"]

EVENTS = "CARAVAN_JOB_EVENTS"
"""The variable with the number of that descriptor."""

_LONGEST = 1_048_576


class Events:
    """Collects them. Of progress the last counts; a line that is too long or no JSON is left out."""

    def __init__(self) -> None:
        self.progress: Any = None
        self.result: Any = None
        self.error: str | None = None
        self.fresh = False
        self._part = b""

    def feed(self, content: bytes) -> None:
        """Take the next bytes."""
        *lines, self._part = (self._part + content).split(b"\n")
        if len(self._part) > _LONGEST:
            self._part = b""
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            told = json.loads(line)
        except ValueError:
            return
        if not isinstance(told, dict):
            return
        if "progress" in told:
            self.progress, self.fresh = told["progress"], True
        if "result" in told:
            self.result = told["result"]
        if isinstance(told.get("error"), str):
            self.error = told["error"]
